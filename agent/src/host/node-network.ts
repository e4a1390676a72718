import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { QuorateError } from '@quorate/shared/errors'
import type {
  MeasurePathRequest,
  MeasurePathResponse,
  ProbeEndpointRequest,
  ProbeEndpointResponse,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import { commands } from './commands.js'
import { holdPorts } from './held-ports.js'
import type { Host } from './host.js'
import { keepAsking } from './keep-asking.js'
import type { Asking, BearerToken, ClientCredentials, HeldPorts, HttpsAnswer, Network, Question } from './network.js'
import { measurePath } from './path-rate.js'
import { connectFirst, secure, sha256Of } from './secure-socket.js'

const getTimeoutMs = 5000
const longestProbeMs = 30_000
/** Status objects and cluster-info are a few KiB; a longer response is not what we asked for. */
const mostBodyBytes = 4 * 1024 * 1024

export interface NodeNetworkOptions {
  readonly host: Host
  /** Address that held ports are bound to; all addresses if it is not given. Simulated nodes share one machine and have one each. */
  readonly holdAddress?: string
}

/** The network through this node's own resolver and sockets. */
export class NodeNetwork implements Network {
  private readonly host: Host
  private readonly holdAddress: string | undefined
  /** Until when a port is held. */
  private readonly holders = new Map<number, Promise<void>>()

  constructor({ host, holdAddress }: NodeNetworkOptions) {
    this.host = host
    this.holdAddress = holdAddress
  }

  async resolve(name: string, signal?: AbortSignal): Promise<string[]> {
    if (isIP(name) !== 0) return [name]
    const answer = await this.host.run(commands.resolveName(name), signal)
    // getent(1): 2 is "one or more supplied keys could not be found".
    if (answer.exitCode === 2) return []
    if (answer.exitCode !== 0) {
      throw new QuorateError(
        'COMMAND_FAILED',
        `getent ahosts ${name} ended with ${answer.exitCode}: ${answer.stderr.trim()}`,
      )
    }
    const addresses = answer.stdout.split('\n').map((line) => line.split(/\s+/)[0] ?? '')
    return [...new Set(addresses.filter((address) => isIP(address) !== 0))]
  }

  async probe(request: ProbeEndpointRequest, caPem: string, signal?: AbortSignal): Promise<ProbeEndpointResponse> {
    const began = performance.now()
    const seen: ProbeEndpointResponse = {
      reached: 'resolve',
      error: '',
      address: '',
      httpStatus: 0,
      certificateSerial: '',
      certificateSha256: '',
      latencyMs: 0,
      metSha256: [],
      unmet: 0,
    }
    const timeout = AbortSignal.timeout(Math.min(request.timeoutMs || getTimeoutMs, longestProbeMs))
    const stop = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    try {
      await this.probeInto(seen, { request, caPem, signal: stop })
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof QuorateError) throw error
      seen.error = timeout.aborted ? `no answer within ${request.timeoutMs || getTimeoutMs} ms` : reason(error)
    }
    seen.latencyMs = Math.round(performance.now() - began)
    return seen
  }

  private async probeInto(
    seen: ProbeEndpointResponse,
    { request, caPem, signal }: { request: ProbeEndpointRequest; caPem: string; signal: AbortSignal },
  ): Promise<void> {
    const addresses = await this.resolve(request.host, signal)
    if (addresses.length === 0) throw new Error(`${request.host} has no address on this node`)
    seen.reached = 'tcp'
    const socket = await connectFirst(addresses, request.port, signal)
    try {
      seen.address = socket.remoteAddress ?? ''
      if (request.verify !== 'VERIFY_MODE_TCP') {
        seen.reached = 'tls'
        const secured = await secure(socket, { ...verification(request, caPem), signal })
        const shown = secured.getPeerX509Certificate()
        seen.certificateSerial = shown?.serialNumber ?? ''
        seen.certificateSha256 = sha256Of(shown)
        if (request.path !== '') {
          seen.reached = 'http'
          seen.httpStatus = (
            await getOver(secured, { host: `${request.host}:${request.port}`, path: request.path, signal })
          ).status
        }
      }
      seen.reached = 'done'
    } finally {
      socket.destroy()
    }
  }

  async get(
    url: string,
    caPem: string,
    credentials?: ClientCredentials | BearerToken,
    signal?: AbortSignal,
  ): Promise<HttpsAnswer> {
    const { protocol, hostname, host, port, pathname, search } = new URL(url)
    if (protocol !== 'https:') throw new QuorateError('INVALID_REQUEST', `not an https address: ${url}`)
    const name = hostname.replace(/^\[(.*)\]$/, '$1')
    const timeout = AbortSignal.timeout(getTimeoutMs)
    const stop = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    try {
      const addresses = await this.resolve(name, stop)
      if (addresses.length === 0) throw new Error(`${name} has no address on this node`)
      const socket = await connectFirst(addresses, Number(port || 443), stop)
      try {
        const [shown, token] = isToken(credentials) ? [undefined, credentials.token] : [credentials, undefined]
        const verified = { caPem, serverName: name, verifyName: true, credentials: shown, signal: stop }
        const secured = await secure(socket, verified)
        return await getOver(secured, { host, path: `${pathname}${search}`, token, signal: stop })
      } finally {
        socket.destroy()
      }
    } catch (error) {
      if (timeout.aborted && !signal?.aborted) throw new Error(`no answer from ${host} within ${getTimeoutMs} ms`)
      throw error
    }
  }

  async holdPorts(ports: readonly number[], signal?: AbortSignal): Promise<HeldPorts> {
    // Concurrent checks of one port, such as by two plans, take turns: neither may mistake the other for a program.
    for (let before = this.holderOf(ports); before !== undefined; before = this.holderOf(ports)) {
      await before
      signal?.throwIfAborted()
    }
    const held = holdPorts(ports, this.holdAddress)
    const over = held.then(({ closed }) => closed).catch(() => {})
    for (const port of ports) this.holders.set(port, over)
    void over.then(() => {
      for (const port of ports) this.holders.delete(port)
    })
    return held
  }

  private holderOf(ports: readonly number[]): Promise<void> | undefined {
    return ports.map((port) => this.holders.get(port)).find((holder) => holder !== undefined)
  }

  async measurePath(request: MeasurePathRequest, signal?: AbortSignal): Promise<MeasurePathResponse> {
    try {
      return { bytesPerSecond: await measurePath(request, signal), error: '' }
    } catch (error) {
      signal?.throwIfAborted()
      return { bytesPerSecond: 0, error: reason(error) }
    }
  }

  keepAsking(questions: readonly Question[], freshMs: number): Asking {
    return keepAsking(questions, freshMs, (host) => this.resolve(host))
  }
}

function verification({ host, serverName, verify }: ProbeEndpointRequest, caPem: string) {
  if (verify === 'VERIFY_MODE_NONE') return { serverName: serverName || host, verifyName: false }
  if (verify !== 'VERIFY_MODE_CLUSTER_CA' && verify !== 'VERIFY_MODE_CHAIN_ONLY') {
    throw new QuorateError('INVALID_REQUEST', `not a way to verify: ${verify}`)
  }
  // Without this, Node would fall back to public authorities.
  if (caPem === '')
    throw new QuorateError('INVALID_REQUEST', 'this node has no cluster CA yet, and the request brings none')
  return { caPem, serverName: serverName || host, verifyName: verify === 'VERIFY_MODE_CLUSTER_CA' }
}

const isToken = (credentials: ClientCredentials | BearerToken | undefined): credentials is BearerToken =>
  credentials !== undefined && 'token' in credentials

interface Get {
  readonly host: string
  readonly path: string
  readonly token?: string | undefined
  readonly signal: AbortSignal
}

function getOver(socket: TLSSocket, { host, path, token, signal }: Get): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const known = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    const headers = { Host: host, Accept: 'application/json, */*', Connection: 'close', ...known }
    const outgoing = httpsRequest({ createConnection: () => socket, path, headers, signal }, (answer) => {
      const chunks: Buffer[] = []
      let size = 0
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > mostBodyBytes) answer.destroy(new Error(`${host}${path} answers more than ${mostBodyBytes} bytes`))
        chunks.push(chunk)
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }))
      answer.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

/** The system's message for an error; Node's messages contain the code. */
function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
