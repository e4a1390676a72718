import { partMark } from './remote-commands.js'

/** What is on a node, as the look printed it. */
export interface NodeLook {
  /** As npm and the names of releases call it: `x64`, `arm64`; what the node calls it where it is another. */
  readonly architecture: string
  /** Unix seconds. */
  readonly clock: number
  /** Another one after each start of the node. */
  readonly boot: string
  readonly systemd: boolean
  /** Programs that an installation needs. */
  readonly missing: readonly string[]
  readonly selinux: 'none' | 'permissive' | 'enforcing'
  /** Contexts can be set: `restorecon` is there. */
  readonly canLabel: boolean
  /** sha256 of the agent's binary. */
  readonly binary: string | undefined
  /** The same of the one before it. */
  readonly previous: string | undefined
  /** The agent belongs to a package of the distribution. */
  readonly packaged: boolean
  /** Paths of an agent that exist. */
  readonly traces: readonly string[]
  readonly active: boolean
  readonly enabled: boolean
  /** The process that runs has another binary than the file that lies there now. */
  readonly outdated: boolean
  readonly config: string
  readonly certificate: string
  readonly roots: string
  readonly ports: ReadonlySet<number>
  /** `ss -Hltnp`; empty where there is no ss. */
  readonly listeners: string
  readonly freeBytes: number
  /** Where the file system of /usr/bin is mounted, and how. */
  readonly mount: { readonly at: string; readonly options: readonly string[] }
}

/** The parts that a look printed, by name; undefined where it was cut off. */
export function partsOf(printed: string): ReadonlyMap<string, string> | undefined {
  const parts = new Map<string, string>()
  for (const text of `\n${printed}`.split(`\n${partMark} `).slice(1)) {
    const end = text.indexOf('\n')
    parts.set(end === -1 ? text : text.slice(0, end), end === -1 ? '' : text.slice(end + 1))
  }
  return parts.has('end') ? parts : undefined
}

/** Reads what a node printed; undefined where it is not the whole of a look. What the shell printed before does not count. */
export function parseLook(printed: string): NodeLook | undefined {
  const parts = partsOf(printed)
  if (parts === undefined) return undefined
  const text = (name: string): string => parts.get(name)?.trim() ?? ''
  const lines = (name: string): readonly string[] => text(name).split('\n').filter(Boolean)
  const [, , , freeKiB = '0', , at = '/'] = text('disk').split(/\s+/)
  return {
    architecture: { x86_64: 'x64', aarch64: 'arm64' }[text('machine')] ?? text('machine'),
    clock: Number(text('clock')) || 0,
    boot: text('boot'),
    systemd: text('systemd') !== '',
    missing: lines('missing'),
    selinux: text('selinux') === '' ? 'none' : text('selinux') === '1' ? 'enforcing' : 'permissive',
    canLabel: text('labels') !== '',
    binary: sha256In(text('binary')),
    previous: sha256In(text('previous')),
    packaged: text('package') !== '',
    traces: lines('traces'),
    active: /^ActiveState=active$/m.test(text('service')),
    enabled: /^UnitFileState=enabled$/m.test(text('service')),
    outdated: / \(deleted\)$/m.test(text('service')),
    config: text('config'),
    certificate: text('certificate'),
    roots: text('roots'),
    ports: new Set(lines('sockets').flatMap(portIn)),
    listeners: text('listeners'),
    freeBytes: (Number(freeKiB) || 0) * 1024,
    mount: { at, options: optionsOf(lines('mounts'), at) },
  }
}

const sha256In = (text: string): string | undefined => /^[0-9a-f]{64}\b/.exec(text)?.[0]

/** Of a line of /proc/net/tcp: `sl local_address ...`, the port in hexadecimal. */
function portIn(line: string): readonly number[] {
  const port = line.trim().split(/\s+/)[1]?.split(':')[1]
  return port === undefined || !/^[0-9A-Fa-f]{1,4}$/.test(port) ? [] : [Number.parseInt(port, 16)]
}

/** The last of several mounts on one place is what is seen. */
const optionsOf = (mounts: readonly string[], at: string): readonly string[] =>
  mounts
    .map((line) => line.split(' '))
    .findLast(([, place]) => place === at)?.[3]
    ?.split(',') ?? []
