import { posix } from 'node:path'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Host } from '../../host/host.js'
import { containerdConfigPath } from '../context/paths.js'
import { readLine } from './system.js'

type RuntimePart = Pick<NodeFacts, 'runtimeCgroupDriver' | 'runtimeConfigPath'>

/** Limit for a configuration that imports others, which may import more. */
const mostFiles = 50

/** The cgroup driver of the container runtime behind the socket in use: another runtime's configuration may exist too. */
export async function readRuntime(host: Host, criSocket: string): Promise<RuntimePart> {
  if (/crio/.test(criSocket)) return ofCrio(host)
  return /containerd/.test(criSocket) ? ofContainerd(host) : { runtimeCgroupDriver: '', runtimeConfigPath: '' }
}

/** `systemd` by default (crio.conf(5)). */
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

/** runc's option; without it the driver is the runtime's default, which differs by version. */
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

/** A file and its `imports`, in the order in which containerd merges them: later ones take precedence (cmd/containerd/server/config). */
async function withImports(host: Host, first: string): Promise<{ path: string; text: string }[]> {
  const read: { path: string; text: string }[] = []
  const waiting = [first]
  for (let path = waiting.shift(); path !== undefined && read.length < mostFiles; path = waiting.shift()) {
    if (read.some((one) => one.path === path)) continue
    const text = await readLine(host, path)
    read.push({ path, text })
    for (const named of importsIn(text))
      waiting.push(...(await matching(host, posix.resolve(posix.dirname(path), named))))
  }
  return read
}

/** The list `imports` before the first table. TOML has a key once: where its first one is no list, there is none. */
function importsIn(text: string): readonly string[] {
  const head = text.split(/^[ \t]*\[/m, 1)[0] ?? ''
  const at = head.search(/^[ \t]*imports[ \t]*=/m)
  const [, list = ''] = (at < 0 ? undefined : /^[ \t]*imports[ \t]*=\s*\[([^\]]*)\]/.exec(head.slice(at))) ?? []
  return [...list.matchAll(/["']([^"']+)["']/g)].slice(0, mostFiles).map(([, named = '']) => named)
}

/** Files that match a pattern with `*` and `?` in its last part only. */
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
    .slice(0, mostFiles)
    .map((entry) => `${posix.dirname(pattern)}/${entry.name}`)
}

/** Simple values of a TOML text by full key: tables, dotted keys and inline quotes; arrays and inline tables are skipped. */
function valuesIn(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  let table: readonly string[] = []
  for (const line of text.split('\n')) {
    const [, header] = /^\s*\[([^[\]]+)\]\s*(?:#.*)?$/.exec(line) ?? []
    if (header !== undefined) table = partsOf(header)
    const at = line.indexOf('=')
    const key = line.slice(0, Math.max(0, at)).trim()
    if (!/^[^#[\]]+$/.test(key)) continue
    const [found, quoted, bare] =
      /^\s*(?:["']([^"']*)["']|([A-Za-z0-9_.+-]+))\s*(?:#.*)?$/.exec(line.slice(at + 1)) ?? []
    if (found !== undefined) values.set([...table, ...partsOf(key)].join('.'), quoted ?? bare ?? '')
  }
  return values
}

const partsOf = (key: string): string[] =>
  [...key.matchAll(/"([^"]*)"|'([^']*)'|([^."'\s]+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '')
