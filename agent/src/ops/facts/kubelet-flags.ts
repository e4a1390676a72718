import type { KubeletFlag } from '@quorate/shared/gen/quorate/v1/facts'
import { countedOnce } from '@quorate/shared/kubelet-command'
import type { Host } from '../../host/host.js'
import { readLine } from './system.js'

/** Where a unit and its drop-ins are, the last one taking precedence (systemd.unit(5)). */
const unitFolders = ['/lib/systemd/system', '/usr/lib/systemd/system', '/run/systemd/system', '/etc/systemd/system']
/** Of kubeadm's packages, if no drop-in names an EnvironmentFile: Debian's and Red Hat's (kubernetes/release, 10-kubeadm.conf). */
const packaged = ['/var/lib/kubelet/kubeadm-flags.env', '/etc/default/kubelet', '/etc/sysconfig/kubelet']

/**
 * Flags that a node's own files give its kubelet: its unit, drop-ins and their EnvironmentFiles. They are not in kubelet-config, and
 * a join writes only kubeadm-flags.env. Of a repeated flag the last one applies; flags that accumulate do not matter here.
 */
export async function readKubeletFlags(host: Host): Promise<KubeletFlag[]> {
  const units = await unitFiles(host)
  const texts = await Promise.all(units.map(async (where) => ({ where, text: joined(await readLine(host, where)) })))
  const named = texts.flatMap(({ text }) =>
    [...text.matchAll(/^[ \t]*EnvironmentFile[ \t]*=[ \t]*-?(\/\S+)/gm)].map(([, path = '']) => path),
  )
  const files = countedOnce(named.length > 0 ? named : packaged)
  const environment = await Promise.all(
    files.map(async (where) => ({ where, text: joined(await readLine(host, where)) })),
  )
  const flags = new Map<string, KubeletFlag>()
  for (const { where, text } of texts) putFlags(flags, where, ofUnit(text))
  for (const { where, text } of environment) putFlags(flags, where, assigned(text))
  return [...flags.values()].map(masked)
}

async function unitFiles(host: Host): Promise<string[]> {
  const found = await Promise.all(
    unitFolders.map(async (folder) => {
      const dropIns = await host.list(`${folder}/kubelet.service.d`).catch(() => [])
      const names = dropIns.map(({ name }) => name).filter((name) => name.endsWith('.conf'))
      return [`${folder}/kubelet.service`, ...names.map((name) => `${folder}/kubelet.service.d/${name}`)]
    }),
  )
  return found.flat()
}

/** A backslash at the end of a line joins it with the next (systemd.syntax(7)). */
const joined = (text: string): string => text.replace(/\\\r?\n/g, ' ')

/** Values of Environment= and the command line of ExecStart=. Spaces and tabs indent a line: `\s` takes ends of lines too, and each would be tried again. */
function ofUnit(text: string): string[] {
  const settings = text.matchAll(/^[ \t]*(Environment|ExecStart)[ \t]*=[ \t]*(.*)/gm)
  return [...settings].flatMap(([, key, value = '']) => (key === 'ExecStart' ? [value] : ofEnvironment(value)))
}

/** What words of Environment= assign, each in quotes or not: `"KUBELET_EXTRA_ARGS=--a --b" OTHER=1`. */
const ofEnvironment = (words: string): string[] =>
  (words.match(/"(?:[^"\\]|\\.)*"|'[^']*'|\S+/g) ?? [])
    .map(unquoted)
    .filter((word) => /^KUBELET_[A-Z0-9_]*=/.test(word))
    .map((word) => unquoted(word.slice(word.indexOf('=') + 1).trim()))

/** Lines `KUBELET_EXTRA_ARGS="--a --b"`: what is behind the equals sign, without quotes. */
function assigned(lines: string): string[] {
  const own = lines.matchAll(/^[ \t]*(?:export[ \t]+)?KUBELET_[A-Z0-9_]*=(.*)/gm)
  return [...own].map(([, value = '']) => unquoted(value.trim()))
}

function unquoted(text: string): string {
  const quote = text.slice(0, 1)
  return /^["']$/.test(quote) && text.length > 1 && text.endsWith(quote) ? text.slice(1, -1) : text
}

/** Puts flags to those before them; the last of each stays. */
function putFlags(flags: Map<string, KubeletFlag>, where: string, values: readonly string[]): void {
  for (const value of values) {
    const words = value.match(/(?:"[^"]*"|'[^']*'|[^\s"']+)+/g) ?? []
    for (const [index, word] of words.entries()) {
      const [, name, own] = /^--([a-z][a-z0-9-]*)(?:=([\s\S]*))?$/.exec(word) ?? []
      if (name === undefined) continue
      const next = words[index + 1]
      const given = own ?? (next === undefined || /^[-$]/.test(next) ? 'true' : next)
      flags.set(name, { name, value: unquoted(given), where })
    }
  }
}

const masked = (flag: KubeletFlag): KubeletFlag =>
  /token|password/.test(flag.name) ? { ...flag, value: '<masked>' } : flag
