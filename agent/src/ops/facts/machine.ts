import type { MachineFacts, NodeFacts, ProgramFacts, SelinuxFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { readOsRelease } from '@quorate/shared/os-release'
import { commands } from '../../host/commands.js'
import type { Command, Host } from '../../host/host.js'
import { osReleasePath, readLine } from './system.js'
import { pathOf, versionPrinted } from './version-printed.js'

/** Programs whose release matters (shared/src/machine-versions.ts), and how to ask each for it. */
const programs: Readonly<Record<string, Command>> = {
  haproxy: commands.haproxyVersion(),
  keepalived: commands.keepalivedVersion(),
  systemd: commands.systemdVersion(),
  crictl: commands.crictlVersion(),
}

/** Lets the load balancer's programs bind and connect to ports outside of SELinux's policy. */
const booleans = ['haproxy_connect_any', 'keepalived_connect_any']

/** The operating system, its programs whose release matters, and SELinux. */
export async function readMachine(host: Host, signal: AbortSignal): Promise<Pick<NodeFacts, 'machine'>> {
  const [system, present, selinux] = await Promise.all([
    readOperatingSystem(host),
    Promise.all(Object.entries(programs).map(([name, command]) => readProgram(host, { name, command }, signal))),
    readSelinux(host),
  ])
  return { machine: { ...system, programs: present.flat(), selinux } }
}

/** As MachineFacts has it. */
export async function readOperatingSystem(host: Host): Promise<Pick<MachineFacts, 'osId' | 'osLike' | 'osVersion'>> {
  const { id, like, version } = readOsRelease(await readLine(host, osReleasePath))
  return { osId: id, osLike: [...like], osVersion: version }
}

/** Release and path of one of the programs; undefined if it is not installed. */
export async function programOf(
  host: Host,
  name: 'haproxy' | 'keepalived',
  signal: AbortSignal,
): Promise<ProgramFacts | undefined> {
  const command = programs[name]
  return command === undefined ? undefined : (await readProgram(host, { name, command }, signal))[0]
}

async function readProgram(
  host: Host,
  { name, command }: { readonly name: string; readonly command: Command },
  signal: AbortSignal,
): Promise<ProgramFacts[]> {
  const printed = await versionPrinted(host, command, signal)
  if (printed === '') return []
  const version = /\d+(?:\.\d+)*/.exec(printed.split('\n')[0] ?? '')?.[0] ?? ''
  return [{ name, version, path: (await pathOf(host, command.file)) ?? '' }]
}

/** Undefined if the kernel runs without SELinux: its file system does not exist then. */
async function readSelinux(host: Host): Promise<SelinuxFacts | undefined> {
  const enforce = await readLine(host, '/sys/fs/selinux/enforce')
  if (enforce === '') return undefined
  // `0 0`: the current value, and the value after the next commit.
  const values = await Promise.all(booleans.map((name) => readLine(host, `/sys/fs/selinux/booleans/${name}`)))
  const known = booleans.flatMap((name, index) => {
    const value = values[index] ?? ''
    return value === '' ? [] : [[name, value.startsWith('1')] as const]
  })
  return { enforcing: enforce === '1', booleans: Object.fromEntries(known) }
}
