import type { KubeletFlag } from '@quorate/shared/gen/quorate/v1/facts'
import type { Host } from '../../host/host.js'
import { readLine } from './system.js'

/** Where a unit and its drop-ins are, the last one taking precedence (systemd.unit(5)). */
const unitFolders = ['/lib/systemd/system', '/usr/lib/systemd/system', '/run/systemd/system', '/etc/systemd/system']
/** Of kubeadm's packages, if no drop-in names an EnvironmentFile: Debian's and Red Hat's (kubernetes/release, 10-kubeadm.conf). */
const packaged = ['/var/lib/kubelet/kubeadm-flags.env', '/etc/default/kubelet', '/etc/sysconfig/kubelet']
/** The environment variables that hold flags. */
const flagVariable = /^KUBELET_[A-Z0-9_]*$/

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
  const files = [...new Set(named.length > 0 ? named : packaged)]
  const environment = await Promise.all(
    files.map(async (where) => ({ where, text: joined(await readLine(host, where)) })),
  )
  const seen = [
    ...texts.flatMap(({ where, text }) => flagsIn(where, ofUnit(text))),
    ...environment.flatMap(({ where, text }) => flagsIn(where, assigned(text))),
  ]
  return [...new Map(seen.map((flag) => [flag.name, flag])).values()]
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

/** Values of Environment= and the command line of ExecStart=. */
function ofUnit(text: string): string[] {
  const settings = text.matchAll(/^[^\S\n]*(Environment|ExecStart)[^\S\n]*=[^\S\n]*(.*)/gm)
  return [...settings].flatMap(([, key, value = '']) => {
    if (key === 'ExecStart') return [value]
    return [...value.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].flatMap(([, a, b, c]) =>
      assigned(a ?? b ?? c ?? ''),
    )
  })
}

/** Lines `KUBELET_EXTRA_ARGS="--a --b"`: what is behind the equals sign, without quotes. */
function assigned(lines: string): string[] {
  return [...lines.matchAll(/^[^\S\n]*(?:export[^\S\n]+)?([A-Z0-9_]+)=(.*)/gm)].flatMap(([, name = '', value = '']) =>
    flagVariable.test(name) ? [value.trim().replace(/^(["'])(.*)\1$/s, '$2')] : [],
  )
}

function flagsIn(where: string, values: readonly string[]): KubeletFlag[] {
  return values.flatMap((value) => {
    const words = value.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []
    return words.flatMap((word, index): KubeletFlag[] => {
      const [, name, own] = /^--([a-z][a-z0-9-]*)(?:=([\s\S]*))?$/.exec(word) ?? []
      if (name === undefined) return []
      const next = words[index + 1]
      const given = own ?? (next === undefined || /^[-$]/.test(next) ? 'true' : next)
      return [{ name, value: mask(name, given.replace(/^(["'])(.*)\1$/s, '$2')), where }]
    })
  })
}

const mask = (name: string, value: string): string => (/token|password/.test(name) ? '<masked>' : value)
