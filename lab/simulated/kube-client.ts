import { Agent, request } from 'node:https'
import { isIP, type Socket } from 'node:net'
import { parse } from 'yaml'
import { placeOf } from './host-port.js'
import type { SimulatedNetwork } from './network.js'
import type { SimulatedNode } from './node.js'

export interface Credentials {
  readonly server: string
  /** Verifies the server with it; undefined: does not verify (kubeadm's first read of cluster-info). */
  readonly ca: string | undefined
  readonly cert?: string
  readonly key?: string
  readonly token?: string
}

export interface Answer {
  readonly status: number
  readonly body: unknown
}

interface RawKubeconfig {
  'current-context'?: string
  clusters?: { name: string; cluster: Record<string, string> }[]
  contexts?: { name: string; context: { cluster: string; user: string } }[]
  users?: { name: string; user: Record<string, string> }[]
}

/** Credentials of a kubeconfig of a node, as its programs read them: paths are read from the node. */
export function credentialsOf(node: SimulatedNode, text: string): Credentials {
  const config = parse(text) as RawKubeconfig
  const context = config.contexts?.find(({ name }) => name === config['current-context'])?.context
  const cluster =
    (config.clusters?.find(({ name }) => name === context?.cluster) ?? config.clusters?.[0])?.cluster ?? {}
  const user = config.users?.find(({ name }) => name === context?.user)?.user ?? {}
  const inline = (data: string | undefined, path: string | undefined): string | undefined =>
    data === undefined ? (path === undefined ? undefined : node.must(path)) : Buffer.from(data, 'base64').toString()
  const cert = inline(user['client-certificate-data'], user['client-certificate'])
  const key = inline(user['client-key-data'], user['client-key'])
  return {
    server: cluster['server'] ?? '',
    ca: inline(cluster['certificate-authority-data'], cluster['certificate-authority']) ?? '',
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(user['token'] === undefined ? {} : { token: user['token'] }),
  }
}

/** A program of a node that uses the API: real TCP from the node's address, real TLS with full verification, names as the node resolves them. */
export class KubeClient {
  private readonly agent: Agent
  private readonly pid: number
  private readonly node: SimulatedNode
  private readonly network: SimulatedNetwork
  private readonly credentials: Credentials
  private readonly process: string

  constructor(
    program: { node: SimulatedNode; network: SimulatedNetwork; process: string; pid?: number },
    credentials: Credentials,
  ) {
    this.node = program.node
    this.network = program.network
    this.process = program.process
    this.credentials = credentials
    this.pid = program.pid ?? program.node.newPid()
    this.agent = new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 })
  }

  /** Throws the system's error (`connect ECONNREFUSED ...`, `certificate has expired`); any HTTP status is an answer. */
  async request(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<Answer> {
    if (!this.node.alive) throw new Error('the node is without power')
    const { server, ca, cert, key, token } = this.credentials
    const { host, port } = placeOf(server)
    const [found] = this.network.resolve(this.node, host)
    const address = found === undefined ? undefined : this.network.dialled(this.node, found)
    if (address === undefined) throw new Error(`dial tcp: lookup ${host}: no such host`)
    return new Promise((resolve, reject) => {
      const outgoing = request({
        host: address,
        port: port,
        localAddress: this.node.address,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        method,
        path,
        agent: this.agent,
        ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        timeout: 3000,
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': contentType }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
      })
      outgoing.on('socket', (socket) => this.remember(socket))
      outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${server}${path}: i/o timeout`)))
      outgoing.on('error', (error) => reject(inGo(error, host)))
      outgoing.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({ status: response.statusCode ?? 0, body: text.startsWith('{') ? JSON.parse(text) : text })
        })
      })
      outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  close(): void {
    this.agent.destroy()
    for (const connection of this.node.connections) if (connection.pid === this.pid) connection.socket.destroy()
  }

  private remember(socket: Socket): void {
    const known = [...this.node.connections].some((connection) => connection.socket === socket)
    if (known) return
    const connection = { process: this.process, pid: this.pid, socket }
    this.node.connections.add(connection)
    socket.once('close', () => this.node.connections.delete(connection))
  }
}

/** The error message of Go's net or crypto/x509, which kubeadm and kubelet print. */
function inGo(error: Error & { code?: string; cert?: { subjectaltname?: string } }, name: string): Error {
  if (error.code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const valid = (error.cert?.subjectaltname ?? '').replaceAll('DNS:', '').replaceAll('IP Address:', '')
    return new Error(`tls: failed to verify certificate: x509: certificate is valid for ${valid}, not ${name}`)
  }
  if (error.code === 'CERT_HAS_EXPIRED')
    return new Error('tls: failed to verify certificate: x509: certificate has expired or is not yet valid')
  if (error.code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' || error.code === 'SELF_SIGNED_CERT_IN_CHAIN') {
    return new Error('tls: failed to verify certificate: x509: certificate signed by unknown authority')
  }
  return error
}
