import { createHash, randomBytes } from 'node:crypto'
import { chown } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { readHaproxyConfig } from './haproxy.js'
import { hostPort } from './host-port.js'
import { readKeepalivedConfig } from './keepalived.js'
import { runKubeadm } from './kubeadm.js'
import type { Machine } from './machine.js'
import { isLoopback } from './network.js'
import type { SimulatedNode } from './node.js'
import { machineOf, type Site } from './site.js'
import { unitFiles } from './unit-files.js'
import type { ProgramResult } from './units.js'

type Program = (site: Site, machine: Machine, args: readonly string[]) => ProgramResult | Promise<ProgramResult>

const ok = (stdout: string): ProgramResult => ({ exitCode: 0, stdout, stderr: '' })
const failed = (exitCode: number, stderr: string): ProgramResult => ({ exitCode, stdout: '', stderr })

async function kubeadm(
  site: Site,
  machine: Machine,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ProgramResult> {
  const [stdout, stderr]: [string[], string[]] = [[], []]
  const exitCode = await runKubeadm(
    { site, machine, env, print: (line) => stdout.push(line), complain: (line) => stderr.push(line) },
    args,
  )
  const text = (lines: string[]): string => lines.map((line) => `${line}\n`).join('')
  return { exitCode, stdout: text(stdout), stderr: text(stderr) }
}

const onEveryNode: Record<string, Program> = {
  getent: (site, { node }, [, name = '']) => {
    const addresses = site.network.resolve(node, name)
    if (addresses.length === 0) return failed(2, '')
    return ok(
      addresses
        .flatMap((ip) => [`${ip.padEnd(15)} STREAM ${name}`, `${ip.padEnd(15)} DGRAM  `, `${ip.padEnd(15)} RAW    `])
        .join('\n')
        .concat('\n'),
    )
  },
  ip: (site, { node }) => ok(`${JSON.stringify(interfaces(site, node))}\n`),
  ss: (_site, { node }, [flags = '']) => ok(flags.includes('l') ? listening(node, flags) : established(node)),
  // Of an open file of the agent. Only root can, and a simulated node may run without.
  chown: async (_site, _machine, [owner = '', path = '']) => {
    const [uid, gid] = owner.split(':').map(Number)
    return chown(path, uid ?? 0, gid ?? 0).then(
      () => ok(''),
      (error: Error) => failed(1, `chown: ${error.message}\n`),
    )
  },
  timedatectl: (_site, { node }) => ok(node.faults.clockNotSynchronised ? 'no\n' : 'yes\n'),
  kubelet: (site, { node }) => ok(`Kubernetes ${node.faults.programVersion ?? site.release.version}\n`),
  kubectl: (site, { node }) =>
    ok(JSON.stringify({ clientVersion: { gitVersion: node.faults.programVersion ?? site.release.version } })),
  kubeadm: (site, machine, args) => kubeadm(site, machine, args, {}),
  // coreutils: NAME=VALUE ... PROGRAM ...
  env: (site, machine, args) => {
    const split = args.findIndex((word) => !word.includes('='))
    const variables = args.slice(0, split).map((word) => [word.replace(/=.*/s, ''), word.replace(/^[^=]*=/s, '')])
    const [program, ...rest] = args.slice(split)
    return program === 'kubeadm'
      ? kubeadm(site, machine, rest, Object.fromEntries(variables))
      : failed(127, `env: '${program}': No such file or directory\n`)
  },
  // Accepts any file; what systemd reports about a bad one is tested on real nodes.
  'systemd-analyze': () => ok(''),
  systemctl: (_site, { units, node }, args) => {
    const [verb, name = ''] = args
    if (verb !== 'cat') return units.control(args)
    const files = unitFiles(node, `${name}.service`)
    return files === '' ? failed(1, `No files found for ${name}.service.\n`) : ok(files)
  },
  journalctl: (_site, { units }, args) => units.journal(args),
  'systemd-run': (site, machine, args) => {
    // Its caller waits for it, and nothing of it is left.
    if (args.includes('--pipe')) {
      const [program = '', ...rest] = args.slice(args.indexOf('--') + 1)
      const isThere = programsOf(machine.node).includes(program)
      if (!isThere) return failed(1, `Failed to find executable ${program}: No such file or directory\n`)
      return runProgram(site, machine.node.name, program, rest)
    }
    return machine.units.runTransient(args, async (program, rest, out, life) => {
      if (program === 'kubeadm')
        return runKubeadm({ site, machine, life, print: out, complain: (line) => out(`\u0000${line}`) }, rest)
      const { exitCode, stdout, stderr } = await runProgram(site, machine.node.name, program, rest)
      for (const line of stdout.trimEnd().split('\n')) if (line !== '') out(line)
      for (const line of stderr.trimEnd().split('\n')) if (line !== '') out(`\u0000${line}`)
      return exitCode
    })
  },
}

const ofLoadBalancers: Record<string, Program> = {
  haproxy: (_site, { node }, args) => {
    if (args.includes('-v')) return ok('HAProxy version 2.6.12-1+deb12u1 2023/12/16 - https://haproxy.org/\n')
    try {
      readHaproxyConfig(node.must(args[args.indexOf('-f') + 1] ?? ''))
      return ok('Configuration file is valid\n')
    } catch (error) {
      return failed(1, `${error instanceof Error ? error.message : String(error)}\n`)
    }
  },
  keepalived: (_site, { node }, args) => {
    if (args.includes('--version')) return { exitCode: 0, stdout: '', stderr: 'Keepalived v2.2.7 (01/16,2022)\n' }
    try {
      readKeepalivedConfig(
        node.must(args.find((word) => word.startsWith('--use-file='))?.slice('--use-file='.length) ?? ''),
      )
      return ok('')
    } catch (error) {
      return failed(4, `${error instanceof Error ? error.message : String(error)}\n`)
    }
  },
}

/** The programs that a machine has in its PATH. */
export function programsOf({ role, balances }: SimulatedNode): string[] {
  const all = [...Object.keys(onEveryNode), ...(balances ? Object.keys(ofLoadBalancers) : [])]
  return role === 'load-balancer' ? all.filter((name) => !name.startsWith('kube')) : all
}

/** Runs a program as that node would. */
export async function runProgram(
  site: Site,
  node: string,
  program: string,
  args: readonly string[],
): Promise<ProgramResult> {
  const run = onEveryNode[program] ?? ofLoadBalancers[program]
  if (run === undefined) return failed(127, `${program}: not found\n`)
  return run(site, machineOf(site, node), args)
}

/** The card with the default route first; a second one where the node's own address is not on that. */
function interfaces(site: Site, { address, defaultAddress, name, faults, otherFamily }: SimulatedNode): unknown[] {
  const mac = (of: string): string =>
    `02:00:${createHash('sha256')
      .update(of)
      .digest('hex')
      .slice(0, 8)
      .replace(/(..)(?=.)/g, '$1:')}`
  const info = (local: string, prefixlen: number = isIPv6(local) ? 64 : 24): unknown => ({
    family: isIPv6(local) ? 'inet6' : 'inet',
    local,
    prefixlen,
    scope: 'global',
  })
  const { floating, routed } = site.network
  const held = [...floating].flatMap(([ip, holder]) => (holder.name === name ? [ip] : []))
  const [onLoopback, onWire] = [true, false].map((is) => held.filter((ip) => routed.has(ip) === is))
  return [
    {
      ifindex: 1,
      ifname: 'lo',
      flags: ['LOOPBACK', 'UP'],
      mtu: 65536,
      link_type: 'loopback',
      address: '00:00:00:00:00:00',
      addr_info: [
        info('127.0.0.1', 8),
        info('::1', 128),
        ...(onLoopback ?? []).map((ip) => info(ip, isIPv6(ip) ? 128 : 32)),
      ],
    },
    ...[...new Set([defaultAddress, address])].map((own, index) => ({
      ifindex: 2 + index,
      ifname: `eth${index}`,
      flags: ['BROADCAST', 'UP'],
      mtu: faults.mtu ?? 1500,
      link_type: 'ether',
      address: mac(own),
      addr_info: [own, ...(own === address ? [...otherFamily, ...(onWire ?? [])] : [])].map((ip) => info(ip)),
    })),
  ]
}

/** With the program (-p), or with the socket's inode (-e). */
function listening({ listening: sockets }: Machine['node'], flags: string): string {
  return [...sockets]
    .map(({ address, port, process, pid }) => {
      const more = flags.includes('p') ? `users:(("${process}",pid=${pid},fd=7))` : `ino:${pid}${port} sk:1 <->`
      return `LISTEN 0      4096   ${hostPort(address, port).padStart(20)} 0.0.0.0:* ${more}\n`
    })
    .join('')
}

/** The peer as the caller dialled it: loopback if the program listens on loopback only. */
function seenFrom({ address, listening: sockets }: SimulatedNode, peer: string, port: number): string {
  const onLoopback = [...sockets].find((one) => one.port === port && isLoopback(one.address))
  return peer === address && onLoopback !== undefined ? onLoopback.address : peer
}

function established(node: SimulatedNode): string {
  const { connections } = node
  const lines = [...connections].map(({ process, pid, socket }) => {
    if (socket.remoteAddress === undefined || socket.destroyed) return ''
    const peer = seenFrom(node, socket.remoteAddress, socket.remotePort ?? 0)
    return `ESTAB 0      0      ${hostPort(socket.localAddress ?? '', socket.localPort ?? 0)} ${hostPort(peer, socket.remotePort ?? 0)} users:(("${process}",pid=${pid},fd=9))\n`
  })
  return lines.join('')
}

/** A hexadecimal id of that many bytes: machine ids, keys. */
export const hexId = (bytes: number): string => randomBytes(bytes).toString('hex')
