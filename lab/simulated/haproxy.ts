import { get } from 'node:https'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { splitHostPort } from './host-port.js'
import { type SimulatedNetwork, trackSockets } from './network.js'
import type { Listening, SimulatedNode } from './node.js'

interface Backend {
  readonly name: string
  readonly address: string
  readonly port: number
  up: boolean
  /** Consecutive checks that contradict `up`. */
  against: number
  readonly sessions: Set<Socket>
}

export interface HaproxyConfig {
  /** `*`, or the one address that it listens on. */
  readonly address: string
  readonly port: number
  readonly servers: readonly { name: string; address: string; port: number }[]
  readonly interMs: number
  readonly fall: number
  readonly rise: number
  readonly checkTimeoutMs: number
  readonly httpCheck: string | undefined
  /** Statuses that count as healthy. */
  readonly expected: RegExp
  readonly redispatch: boolean
  /** Whether another backend, without checks, takes the connections while every check fails: here, the same servers. */
  readonly fallsBack: boolean
  /** A server that is marked down loses its connections. */
  readonly cutsSessions: boolean
}

/** Reads the parts of haproxy's configuration that the laboratory needs; throws haproxy's own errors. */
export function readHaproxyConfig(text: string): HaproxyConfig {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
  const sections = ['global', 'defaults', 'frontend', 'backend', 'listen']
  if (!sections.includes(lines[0]?.split(/\s/)[0] ?? ''))
    throw new Error(`[ALERT] unknown keyword '${lines[0] ?? ''}' out of section`)
  const bind = lines.map((line) => /^bind\s+(\S*):(\d+)/.exec(line)).find((match) => match !== null)
  if (bind === undefined) throw new Error('[ALERT] config: no <bind> line')
  const [, chosen = ''] = /^default_backend\s+(\S+)$/m.exec(lines.join('\n')) ?? []
  const words = sectionOf(lines, chosen)
    .filter((line) => /^(server|default-server)\s/.test(line))
    .map((line) => line.split(/\s+/))
  const option = (name: string): string | undefined => {
    const found = words.find((line) => line.includes(name))
    return found?.[found.indexOf(name) + 1]
  }
  const servers = words
    .filter(([keyword]) => keyword === 'server')
    .map(([, name = '', at = '']) => {
      const { host: address, port } = splitHostPort(at)
      if (!/^\d+$/.test(port)) throw new Error(`[ALERT] 'server ${name}' : missing port`)
      return { name, address, port: Number(port) }
    })
  const uri = lines
    .map((line) => /http-check send .*\buri\s+(\S+)/.exec(line)?.[1] ?? /^option httpchk\s+GET\s+(\S+)/.exec(line)?.[1])
    .find((path) => path !== undefined)
  return {
    address: everywhere.includes(bind[1] ?? '') ? '*' : (bind[1] ?? '').replace(/^\[(.*)\]$/, '$1'),
    port: Number(bind[2]),
    servers,
    interMs: milliseconds(option('inter') ?? '2s'),
    fall: Number(option('fall') ?? 3),
    rise: Number(option('rise') ?? 2),
    checkTimeoutMs: milliseconds(/^timeout check\s+(\S+)/m.exec(lines.join('\n'))?.[1] ?? '2s'),
    httpCheck: uri,
    expected: expectedStatus(lines),
    redispatch: lines.some((line) => /^option redispatch( 1)?$/.test(line)),
    fallsBack: lines.some((line) => /^use_backend \S+ if { nbsrv\(\S+\) lt 1 }$/.test(line)),
    cutsSessions: words.some((line) => line.join(' ').includes('on-marked-down shutdown-sessions')),
  }
}

/** The lines of one backend; of the whole text where a single section does all (`listen`). */
function sectionOf(lines: readonly string[], backend: string): readonly string[] {
  const from = lines.indexOf(`backend ${backend}`)
  if (from < 0) return lines
  const length = lines.slice(from + 1).findIndex((line) => /^(backend|frontend|listen|defaults|global)\b/.test(line))
  return lines.slice(from, length < 0 ? undefined : from + 1 + length)
}

/** Of one family, and of both where `v4v6` follows. */
const everywhere = ['*', '[::]']

/** `http-check expect status 200` or `... rstatus REGEX`; 2xx and 3xx where neither is said. */
function expectedStatus(lines: readonly string[]): RegExp {
  const [, kind, value = ''] =
    lines.map((line) => /^http-check expect (r?status) (.+)$/.exec(line)).find((match) => match !== null) ?? []
  if (kind === undefined) return /^[23]..$/
  return new RegExp(kind === 'rstatus' ? value : `^${value}$`)
}

function milliseconds(text: string): number {
  const match = /^(\d+)(ms|s|m)?$/.exec(text)
  const factor = { ms: 1, s: 1000, m: 60_000 }[match?.[2] ?? 'ms'] ?? 1
  return Number(match?.[1] ?? 2000) * factor
}

/**
 * haproxy in miniature: a real TCP proxy of the node, with real HTTPS checks. `*` means the node's own address and the virtual
 * one while keepalived holds it here. A reload uses new servers for new connections and drops none.
 */
export class Haproxy {
  private readonly node: SimulatedNode
  private readonly network: SimulatedNetwork
  private readonly configPath: string
  private config: HaproxyConfig
  private backends: Backend[] = []
  private readonly servers = new Map<string, { server: Server; drop: () => void; entry: Listening }>()
  private checking: NodeJS.Timeout | undefined
  private turn = 0
  private readonly pid: number

  constructor(node: SimulatedNode, network: SimulatedNetwork, configPath: string) {
    this.configPath = configPath
    this.node = node
    this.network = network
    this.pid = node.newPid()
    this.config = readHaproxyConfig(node.must(configPath))
    this.useBackends()
  }

  get port(): number {
    return this.config.port
  }

  async start(): Promise<void> {
    await this.bind(this.node.address)
    this.checking = setInterval(() => void this.check(), this.config.interMs)
  }

  reload(): void {
    this.config = readHaproxyConfig(this.node.must(this.configPath))
    this.useBackends()
  }

  async stop(): Promise<void> {
    clearInterval(this.checking)
    for (const address of [...this.servers.keys()]) this.unbind(address)
  }

  async bind(address: string): Promise<void> {
    if (this.servers.has(address)) return
    const { port } = this.config
    const server = createServer((client) => this.carry(client, 0))
    const drop = trackSockets(server, (socket) => this.network.mayPass(socket.remoteAddress, this.node))
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve))
    const shown = this.config.address === '*' ? address : this.config.address
    const entry = { address: shown, port, process: 'haproxy', pid: this.pid }
    this.servers.set(address, { server, drop, entry })
    this.node.listening.add(entry)
  }

  unbind(address: string): void {
    const bound = this.servers.get(address)
    if (bound === undefined) return
    bound.server.close()
    bound.drop()
    this.node.listening.delete(bound.entry)
    this.servers.delete(address)
  }

  /** A remaining server keeps its state and sessions; a new one counts as up until it is checked, as in haproxy. */
  private useBackends(): void {
    const before = this.backends
    this.backends = this.config.servers.map(
      (server) =>
        before.find(({ address, port }) => address === server.address && port === server.port) ?? {
          ...server,
          up: true,
          against: 0,
          sessions: new Set(),
        },
    )
  }

  private carry(client: Socket, tries: number): void {
    const checked = this.backends.filter((backend) => backend.up)
    const up = checked.length === 0 && this.config.fallsBack ? this.backends : checked
    const backend = up[this.turn++ % Math.max(1, up.length)]
    if (backend === undefined || client.destroyed) return void client.destroy()
    const server = connect({
      host: backend.address,
      port: backend.port,
      localAddress: this.node.address,
      // Longer than the configuration says: a delay of this process is no failure of a server.
      timeout: 3000,
    })
    const connection = { process: 'haproxy', pid: this.pid, socket: server }
    let connected = false
    server.once('connect', () => {
      connected = true
      server.setTimeout(0)
      this.node.connections.add(connection)
      backend.sessions.add(client)
      client.pipe(server)
      server.pipe(client)
    })
    server.once('timeout', () => server.destroy())
    server.on('error', () => {})
    server.once('close', () => {
      this.node.connections.delete(connection)
      backend.sessions.delete(client)
      // `retries 3` with `option redispatch`: another server is tried before the client sees an error.
      if (!connected && tries < 3 && this.config.redispatch) this.carry(client, tries + 1)
      else client.destroy()
    })
    client.on('error', () => {})
    client.once('close', () => server.destroy())
  }

  private async check(): Promise<void> {
    await Promise.all(
      this.backends.map(async (backend) => {
        const healthy = await this.isHealthy(backend)
        backend.against = healthy === backend.up ? 0 : backend.against + 1
        if (backend.against < (backend.up ? this.config.fall : this.config.rise)) return
        backend.up = healthy
        backend.against = 0
        if (!healthy && this.config.cutsSessions) for (const session of backend.sessions) session.destroy()
      }),
    )
  }

  private isHealthy({ address, port }: Backend): Promise<boolean> {
    return new Promise((resolve) => {
      const options = {
        host: address,
        port,
        path: this.config.httpCheck ?? '/',
        localAddress: this.node.address,
        rejectUnauthorized: false,
        agent: false as const,
        timeout: this.config.checkTimeoutMs,
      }
      const request = get(options, (response) => {
        response.resume()
        resolve(this.config.expected.test(String(response.statusCode)))
      })
      request.on('timeout', () => request.destroy())
      request.on('error', () => resolve(false))
    })
  }
}
