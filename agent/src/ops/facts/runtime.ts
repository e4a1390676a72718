import { posix } from 'node:path'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Host } from '../../host/host.js'
import { containerdConfigPath } from '../paths.js'
import { readLine } from './system.js'

type RuntimePart = Pick<NodeFacts, 'runtimeCgroupDriver' | 'runtimeConfigPath'>

/** Of a configuration that imports others, which may import more. */
const mostFiles = 50

/** The cgroup driver of the container runtime behind the socket that is used: another one's configuration may lie beside it. */
export async function readRuntime(host: Host, criSocket: string): Promise<RuntimePart> {
  if (/crio/.test(criSocket)) return ofCrio(host)
  return /containerd/.test(criSocket) ? ofContainerd(host) : { runtimeCgroupDriver: '', runtimeConfigPath: '' }
}

/** `systemd` unless it says otherwise (crio.conf(5)). */
async function ofCrio(host: Host): Promise<RuntimePart> {
  const dropIns = await matching(host, '/etc/crio/crio.conf.d/*')
  const seen = await Promise.all(
    ['/etc/crio/crio.conf', ...dropIns].map(async (path) => ({
      path,
      value: valuesIn(await readLine(host, path)).get('crio.runtime.cgroup_manager'),
    })),
  )
  const last = seen.filter(({ value }) => value !== undefined).at(-1)
  return { runtimeCgroupDriver: last?.value ?? 'systemd', runtimeConfigPath: last?.path ?? '' }
}

/** runc's option; where it is not set the driver is the runtime's default, which differs by version. */
async function ofContainerd(host: Host): Promise<RuntimePart> {
  const texts = await withImports(host, containerdConfigPath)
  const seen = texts.flatMap(({ path, text }) =>
    [...valuesIn(text)]
      .filter(([key]) => /(^|\.)runtimes\.runc\.options\.SystemdCgroup$/.test(key))
      .map(([, value]) => ({ path, value })),
  )
  const last = seen.at(-1)
  if (last === undefined) return { runtimeCgroupDriver: '', runtimeConfigPath: '' }
  return { runtimeCgroupDriver: last.value === 'true' ? 'systemd' : 'cgroupfs', runtimeConfigPath: last.path }
}

/** A file and what its `imports` name, in the order in which containerd merges them: the later counts (cmd/containerd/server/config). */
async function withImports(host: Host, first: string): Promise<{ path: string; text: string }[]> {
  const read: { path: string; text: string }[] = []
  const waiting = [first]
  for (let path = waiting.shift(); path !== undefined && read.length < mostFiles; path = waiting.shift()) {
    if (read.some((one) => one.path === path)) continue
    const text = await readLine(host, path)
    read.push({ path, text })
    const [, list = ''] = /^\s*imports\s*=\s*\[([^\]]*)\]/m.exec(text.split(/^\s*\[/m)[0] ?? '') ?? []
    for (const [, named = ''] of list.matchAll(/["']([^"']+)["']/g))
      waiting.push(...(await matching(host, posix.resolve(posix.dirname(path), named))))
  }
  return read
}

/** Files of a pattern whose last part alone may hold `*` and `?`. */
async function matching(host: Host, pattern: string): Promise<string[]> {
  const name = posix.basename(pattern)
  if (!/[*?]/.test(name)) return [pattern]
  const escaped = name
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
  const fits = new RegExp(`^${escaped}$`)
  const entries = await host.list(posix.dirname(pattern)).catch(() => [])
  return entries
    .filter((entry) => entry.kind !== 'directory' && fits.test(entry.name))
    .map((entry) => `${posix.dirname(pattern)}/${entry.name}`)
}

/** Simple values of a TOML text by their whole key: tables, dotted keys and inline quotes; arrays and inline tables are passed over. */
function valuesIn(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  let table: readonly string[] = []
  for (const line of text.split('\n')) {
    const [, header] = /^\s*\[([^[\]]+)\]\s*(?:#.*)?$/.exec(line) ?? []
    if (header !== undefined) table = partsOf(header)
    const [, key, quoted, bare] =
      /^\s*([^=#[\]]+?)\s*=\s*(?:["']([^"']*)["']|([A-Za-z0-9_.+-]+))\s*(?:#.*)?$/.exec(line) ?? []
    if (key !== undefined) values.set([...table, ...partsOf(key)].join('.'), quoted ?? bare ?? '')
  }
  return values
}

const partsOf = (key: string): string[] =>
  [...key.matchAll(/"([^"]*)"|'([^']*)'|([^."'\s]+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '')
