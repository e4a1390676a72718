// Loaded into a simulated node's agent before its own code (NODE_OPTIONS=--import): gives the process what a machine of its own would
// have. It leaves by the node's address, reaches only what the node reaches, reads the node's clock, meets the node's full disk, and
// ends when whoever started it ends.
import dgram from 'node:dgram'
import { readFileSync } from 'node:fs'
import fsPromises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import process from 'node:process'

const { QUORATE_SIM_ADDRESS: address, QUORATE_SIM_AGENT_ADDRESS: agentAddress } = process.env
const { QUORATE_SIM_VIRTUAL_IP: virtualIp } = process.env
const { QUORATE_SIM_FAULTS: faults, QUORATE_SIM_CLOCK_OFFSET_MS: offset } = process.env

const lines = (kind) => {
  try {
    return readFileSync(`${faults}.${kind}`, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  } catch {
    return []
  }
}

process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0))
process.stdin.resume().unref?.()

// Addresses of simulated nodes.
const isOfLab = (host) => host.startsWith('127.') || host.startsWith('fd00:13:') || host === '::1'

const unreachable = ({ host, port }) =>
  Object.assign(new Error(`connect EHOSTUNREACH ${host}:${port}`), {
    code: 'EHOSTUNREACH',
    syscall: 'connect',
    address: host,
    port,
  })

// On loopback every address is somebody's and refuses; in a network nobody answers for a virtual one that nobody has.
const heldByNobody = (socket, options) => {
  const destroy = socket.destroy
  socket.destroy = (error, ...rest) =>
    destroy.call(socket, error?.code === 'ECONNREFUSED' ? unreachable(options) : error, ...rest)
}

// Connections leave by the node's own address, so that servers know who calls; a cut network answers as a router would.
// The inner addresses of Services, as this node's kube-proxy leads them (cluster-addresses.ts); undefined where nothing leads there.
const ledTo = (protocol, host, port) => {
  const place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const line = lines('services').find((one) => one.startsWith(`${protocol} ${place} `))
  const at = line?.slice(line.lastIndexOf(' ') + 1)
  return at === undefined
    ? undefined
    : {
        host: at.slice(0, at.lastIndexOf(':')).replace(/^\[|\]$/g, ''),
        port: Number(at.slice(at.lastIndexOf(':') + 1)),
      }
}

const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0]
  let host = typeof options === 'object' && options !== null ? (options.host ?? '') : ''
  if (typeof host === 'string' && net.isIP(host) !== 0 && !isOfLab(host)) {
    const led = ledTo('tcp', host, options.port)
    // Nothing for a Service that nothing leads to may leave this machine.
    if (led === undefined) {
      process.nextTick(() => this.destroy(unreachable(options)))
      return this
    }
    Object.assign(options, led)
    host = led.host
  }
  if (typeof host === 'string' && isOfLab(host) && options.path === undefined) {
    if (lines('unreachable').includes(host)) {
      process.nextTick(() => this.destroy(unreachable(options)))
      return this
    }
    // Every machine has a loopback of its own.
    if (host === '127.0.0.1' || host === '::1') options.host = address
    options.localAddress ??= address
    if (host === virtualIp) heldByNobody(this, options)
  }
  return connect.apply(this, args)
}

const connectUdp = dgram.Socket.prototype.connect
dgram.Socket.prototype.connect = function (port, host, ...rest) {
  // A datagram for a Service that nothing leads to must not leave this machine: port 9 refuses it.
  const led = isOfLab(host) ? { host, port } : (ledTo('udp', host, port) ?? { host: address, port: 9 })
  return connectUdp.call(this, led.port, led.host, ...rest)
}

// The agent alone listens on the second network; what else it opens belongs to the cluster's.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (options, ...rest) {
  const isAgent = Number(options?.port) === 7445
  if (agentAddress !== undefined && options?.host === agentAddress && !isAgent) options.host = address
  return listen.call(this, options, ...rest)
}

if (offset) {
  const shift = Number(offset)
  const RealDate = Date
  const now = () => RealDate.now() + shift
  globalThis.Date = class extends RealDate {
    constructor(...args) {
      if (args.length === 0) super(now())
      else super(...args)
    }
    static now() {
      return now()
    }
  }
}

const open = fsPromises.open
fsPromises.open = async (path, flags, mode) => {
  const handle = await open(path, flags, mode)
  const isFull = () => lines('full').some((below) => String(path).startsWith(below))
  // Asked at each write: a disk fills while a file is open.
  const unlessFull =
    (method) =>
    async (...args) => {
      if (!isFull()) return method.apply(handle, args)
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
        code: 'ENOSPC',
        errno: -28,
        syscall: 'write',
      })
    }
  const writes = ['write', 'writeFile', 'appendFile', 'writev'].map((name) => [name, unlessFull(handle[name])])
  return Object.assign(handle, Object.fromEntries(writes))
}
syncBuiltinESMExports()
if (process.env.QUORATE_SIM_DEATH) await import('./death.mjs')
