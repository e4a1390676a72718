import { hostname as systemHostname } from 'node:os'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { readOsRelease } from '@quorate/shared/os-release'
import { commands } from '../../host/commands.js'
import type { Host } from '../../host/host.js'

type SystemFacts = Pick<
  NodeFacts,
  | 'hostname'
  | 'clockSynchronised'
  | 'os'
  | 'kernel'
  | 'machineId'
  | 'cpus'
  | 'memoryBytes'
  | 'swapOn'
  | 'cgroupVersion'
  | 'ipForward'
  | 'productUuid'
  | 'bridgeNetfilter'
>

export const osReleasePath = '/etc/os-release'

/** A file's text without its final line break; empty if it does not exist or cannot be read. */
export async function readLine(host: Host, path: string): Promise<string> {
  const file = await host.read(path, { followLinks: true }).catch(() => undefined)
  return file?.bytes.toString('utf8').trimEnd() ?? ''
}

/** Longer than any hostname (RFC 1123) and any machine id. */
const longestName = 255

/** The first non-empty line, as of /etc/hostname (hostname(5)); a longer one than any name counts as none. */
async function readName(host: Host, path: string): Promise<string> {
  const lines = (await readLine(host, path)).split('\n').map((line) => line.trim())
  const said = lines.find((line) => line !== '' && !line.startsWith('#')) ?? ''
  return said.length > longestName ? '' : said
}

/** The node's hostname, from the kernel. */
export async function readHostname(host: Host): Promise<string> {
  const [name, etcName] = await Promise.all([
    readName(host, '/proc/sys/kernel/hostname'),
    readName(host, '/etc/hostname'),
  ])
  return name || etcName || systemHostname()
}

/** The machine: from /proc, /sys and /etc. */
export async function readSystem(host: Host, signal: AbortSignal): Promise<SystemFacts> {
  const line = (path: string): Promise<string> => readLine(host, path)
  const [hostname, release, machineId, cpuinfo, meminfo, swaps, controllers, productUuid] = await Promise.all([
    readHostname(host),
    line(osReleasePath),
    readName(host, '/etc/machine-id'),
    line('/proc/cpuinfo'),
    line('/proc/meminfo'),
    line('/proc/swaps'),
    line('/sys/fs/cgroup/cgroup.controllers'),

    readName(host, '/sys/class/dmi/id/product_uuid'),
  ])
  const synchronised = await printed(host, commands.clockSynchronised(), signal)
  return {
    hostname,
    clockSynchronised: synchronised === 'yes',
    os: readOsRelease(release).name,
    machineId,
    cpus: cpuinfo.match(/^processor\s*:/gm)?.length ?? 0,
    memoryBytes: Number(/^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) * 1024,
    // The first line is the table's header.
    swapOn: swaps.split('\n').length > 1,
    cgroupVersion: controllers === '' ? 'v1' : 'v2',
    productUuid,
    ...(await readKernel(host)),
  }
}

async function readKernel(host: Host): Promise<Pick<SystemFacts, 'kernel' | 'ipForward' | 'bridgeNetfilter'>> {
  const [kernel = '', forward, bridge] = await Promise.all(
    ['kernel/osrelease', 'net/ipv4/ip_forward', 'net/bridge/bridge-nf-call-iptables'].map((name) =>
      readLine(host, `/proc/sys/${name}`),
    ),
  )
  return { kernel, ipForward: forward === '1', bridgeNetfilter: bridge === '1' }
}

const dmiNames = ['sys_vendor', 'product_name', 'bios_vendor', 'bios_version', 'chassis_asset_tag']

/** The firmware's data about the machine; unknown names are omitted. */
export async function readDmi(host: Host): Promise<Record<string, string>> {
  const seen = await Promise.all(
    dmiNames.map(async (name) => [name, await readLine(host, `/sys/class/dmi/id/${name}`)] as const),
  )
  return Object.fromEntries(seen.filter(([, value]) => value !== ''))
}

/** A program's trimmed output; empty if it is missing, fails or does not end. */
export async function printed(host: Host, command: Parameters<Host['run']>[0], signal: AbortSignal): Promise<string> {
  const { exitCode, stdout } = await host.run(command, signal).catch(() => ({ exitCode: 1, stdout: '' }))
  return exitCode === 0 ? stdout.trim() : ''
}
