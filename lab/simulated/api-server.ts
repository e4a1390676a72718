import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { createSecureContext, type TLSSocket } from 'node:tls'
import { admit } from './admission.js'
import { type Attributes, allows, anonymous, authenticate, refusesAnonymous, type User } from './api-access.js'
import type { EtcdCluster } from './etcd-cluster.js'
import { httpsUrl } from './host-port.js'
import { KubeClient } from './kube-client.js'
import { type SimulatedNetwork, trackSockets } from './network.js'
import type { Listening, SimulatedNode } from './node.js'
import { type KubeObject, keyOf, notFound, type ObjectKey, type ObjectStore, resources, StatusError } from './store.js'

export interface ApiServerParts {
  readonly node: SimulatedNode
  readonly network: SimulatedNetwork
  readonly etcd: EtcdCluster
  /** From the static pod's manifest. */
  readonly flags: ReadonlyMap<string, string>
  readonly version: string
}

interface Target {
  readonly key: ObjectKey
  readonly isList: boolean
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined
  readonly subresource: string
  readonly query: URLSearchParams
}

/** How often each writes the endpoints of default/kubernetes, as on a real cluster. */
const publishEveryMs = 10_000
/** After this time an API server counts as gone, as on a real cluster. */
export const masterLeaseMs = 15_000
/** Running requests finish within it. */
const graceMs = 100

/** kube-apiserver in miniature: serves with the node's own certificate files and reloads them when they change, like the real one. */
export class ApiServer {
  private readonly parts: ApiServerParts
  private readonly server: Server
  private readonly drop: () => void
  private reloading: NodeJS.Timeout | undefined
  private seenFiles = ''
  private entry: Listening | undefined
  private readonly users = new WeakMap<TLSSocket, User | 'invalid'>()
  private readonly identity: string
  private renewing: NodeJS.Timeout | undefined
  private publishing: NodeJS.Timeout | undefined

  constructor(parts: ApiServerParts) {
    this.parts = parts
    this.identity = `apiserver-${parts.node.name.replaceAll('.', '-')}`
    this.server = createServer({
      ...this.pair(),
      ca: parts.node.must(this.flag('client-ca-file')),
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
    })
    this.server.keepAliveTimeout = 60_000
    this.server.on('request', (request, response) => void this.handle(request, response))
    this.server.on('tlsClientError', () => {})
    this.drop = trackSockets(this.server, (socket) => parts.network.mayPass(socket.remoteAddress, parts.node))
  }

  /** Listens on the advertised address: a real one would on all, but here the nodes share one machine. */
  async start(): Promise<void> {
    const { node } = this.parts
    const port = Number(this.flag('secure-port'))
    const address = this.flag('advertise-address')
    await new Promise<void>((resolve, reject) => this.server.on('error', reject).listen(port, address, resolve))
    this.entry = { address, port, process: 'kube-apiserver', pid: node.newPid() }
    node.listening.add(this.entry)
    this.reloading = setInterval(() => this.reloadChangedCertificate(), 100)
    this.renewing = setInterval(() => this.renewIdentity(), 500)
    this.publishing = setInterval(() => this.publishOwn(), publishEveryMs)
    this.renewIdentity()
    this.publishOwn()
  }

  isReady(): boolean {
    return this.entry !== undefined && this.hasQuorum()
  }

  private hasQuorum(): boolean {
    try {
      this.parts.etcd.requireQuorum(this.parts.node)
      return true
    } catch {
      return false
    }
  }

  /** On SIGTERM it removes itself from the endpoints, finishes running requests and closes the other connections, all at once (k8s.io/apiserver, pre-shutdown hooks). */
  async stop(killed: boolean): Promise<void> {
    clearInterval(this.reloading)
    clearInterval(this.renewing)
    clearInterval(this.publishing)
    if (this.entry !== undefined) this.parts.node.listening.delete(this.entry)
    this.server.close()
    if (!killed) {
      this.parts.etcd.masterLeases.delete(this.parts.node.address)
      this.publishAddresses()
      this.server.closeIdleConnections()
      await new Promise((resolve) => setTimeout(resolve, graceMs))
    }
    this.drop()
  }

  private flag(name: string): string {
    return this.parts.flags.get(name) ?? ''
  }

  private pair(): { cert: string; key: string } {
    const { node } = this.parts
    const [cert, key] = [this.flag('tls-cert-file'), this.flag('tls-private-key-file')]
    this.seenFiles = this.fileStamp()
    return { cert: node.must(cert), key: node.must(key) }
  }

  private fileStamp(): string {
    const stamp = (path: string): string => {
      const { mtimeMs, ino, size } = statSync(this.parts.node.real(path))
      return `${mtimeMs} ${ino} ${size}`
    }
    return `${stamp(this.flag('tls-cert-file'))} ${stamp(this.flag('tls-private-key-file'))}`
  }

  /** A pair that does not match is ignored until it does (kube-apiserver's dynamic certificate, since 1.17). */
  private reloadChangedCertificate(): void {
    try {
      if (this.parts.node.faults.noCertificateReload || this.fileStamp() === this.seenFiles) return
      const pair = this.pair()
      createSecureContext(pair)
      this.server.setSecureContext({ ...pair, ca: this.parts.node.must(this.flag('client-ca-file')) })
    } catch {
      // Half a pair, or none: the certificate in use stays.
    }
  }

  /** Its identity lease: it shows the others that it serves. */
  private renewIdentity(): void {
    const { etcd, node } = this.parts
    if (!this.hasQuorum()) return
    const key = keyOf('leases', 'kube-system', this.identity)
    const spec = {
      holderIdentity: `${this.identity}_${randomUUID()}`,
      leaseDurationSeconds: 3600,
      renewTime: microTime(),
    }
    const labels = { 'apiserver.kubernetes.io/identity': 'kube-apiserver', 'kubernetes.io/hostname': node.name }
    etcd.store.apply(key, { metadata: { name: this.identity, labels }, spec })
  }

  /** Its entry in etcd's list of those that serve; then the addresses of all of them. */
  private publishOwn(): void {
    const { etcd, node } = this.parts
    if (!this.hasQuorum()) return
    etcd.masterLeases.set(node.address, Date.now())
    this.publishAddresses()
  }

  /** The addresses of all serving API servers, from etcd. */
  private publishAddresses(): void {
    const { etcd } = this.parts
    if (!this.hasQuorum()) return
    const { store, masterLeases } = etcd
    const fresh = [...masterLeases].filter(([, renewed]) => Date.now() - renewed < masterLeaseMs)
    const addresses = fresh.map(([address]) => address).sort()
    store.apply(keyOf('endpointslices', 'default', 'kubernetes'), {
      metadata: { name: 'kubernetes', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      addressType: 'IPv4',
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
      ports: [{ name: 'https', port: Number(this.flag('secure-port')), protocol: 'TCP' }],
    })
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { node } = this.parts
    try {
      const body = await readBody(request)
      if (node.faults.apiDelayMs !== undefined)
        await new Promise((resolve) => setTimeout(resolve, node.faults.apiDelayMs))
      if (node.faults.apiStatus !== undefined)
        throw new StatusError(node.faults.apiStatus, 'InternalError', 'an error on the server has been injected')
      await this.answer(request, response, body)
    } catch (error) {
      const failure = error instanceof StatusError ? error : new StatusError(500, 'InternalError', String(error))
      send(response, failure.code, {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: failure.message,
        reason: failure.reason,
        code: failure.code,
      })
    }
  }

  private async answer(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
    const socket = request.socket as TLSSocket
    const url = new URL(request.url ?? '/', 'https://api')
    const { node, flags, etcd } = this.parts
    const user = impersonated(this.userOf(socket, request), request, etcd.store)
    if (user === 'invalid' || (user === anonymous && refusesAnonymous(node, flags, url.pathname)))
      throw new StatusError(401, 'Unauthorized', 'Unauthorized')
    const target = targetOf(url)
    const verb = verbOf(request.method ?? 'GET', target)
    const attributes: Attributes = {
      verb,
      plural: target?.key.resource.plural ?? '',
      namespace: target?.namespace ?? '',
      name: target?.key.name ?? '',
      path: url.pathname,
    }
    if (!allows(user, attributes, this.parts.etcd.store)) throw forbidden(user, attributes)
    if (target?.subresource === 'proxy' && target.key.resource.plural === 'nodes')
      return this.passOn(target.key.name, url.pathname.replace(/^.*?\/proxy/, ''), response)
    if (target !== undefined)
      return send(response, verb === 'create' ? 201 : 200, await this.act(verb, target, body, { request, user }))
    this.answerPlain(url.pathname, response)
  }

  private userOf(socket: TLSSocket, request: IncomingMessage): User | 'invalid' {
    const authorization = request.headers.authorization
    if (authorization !== undefined) return authenticate(socket, authorization, this.parts.etcd.store)
    const known = this.users.get(socket)
    if (known !== undefined) return known
    const user = authenticate(socket, undefined, this.parts.etcd.store)
    this.users.set(socket, user)
    return user
  }

  /** To the kubelet of a Node, at its reported address, without verifying its certificate (no --kubelet-certificate-authority). */
  private async passOn(name: string, path: string, response: ServerResponse): Promise<void> {
    const { etcd, node, network } = this.parts
    const object = etcd.store.get(keyOf('nodes', '', name))
    if (object === undefined) throw notFound(keyOf('nodes', '', name))
    const addresses = (object.status?.['addresses'] ?? []) as { type: string; address: string }[]
    const address = addresses.find(({ type }) => type === 'InternalIP')?.address ?? ''
    const server = httpsUrl(address, 10250)
    const client = new KubeClient({ node, network, process: 'kube-apiserver' }, { server, ca: undefined })
    try {
      const { status, body } = await client.request('GET', path)
      text(response, status, String(body))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new StatusError(500, 'InternalError', `error trying to reach service: ${why}`)
    } finally {
      client.close()
    }
  }

  private answerPlain(path: string, response: ServerResponse): void {
    const { version } = this.parts
    switch (path) {
      case '/version': {
        const [major, minor] = version.replace('v', '').split('.')
        send(response, 200, { major, minor, gitVersion: version, platform: 'linux/amd64' })
        break
      }
      case '/livez':
        text(response, 200, 'ok')
        break
      case '/readyz':
      case '/healthz':
        if (this.isReady()) text(response, 200, 'ok')
        else text(response, 500, '[-]etcd failed: reason withheld\nreadyz check failed\n')
        break
      default:
        throw new StatusError(404, 'NotFound', 'the server could not find the requested resource')
    }
  }

  private async act(
    verb: Attributes['verb'],
    target: Target,
    body: string,
    { request, user }: { request: IncomingMessage; user: User },
  ): Promise<unknown> {
    const { etcd, node } = this.parts
    try {
      etcd.requireQuorum(node)
    } catch (error) {
      // etcd's own timeout, shortened.
      await new Promise((resolve) => setTimeout(resolve, 700))
      throw error
    }
    const { store } = etcd
    if (verb === 'create' && target.subresource === 'eviction') return store.remove(target.key)
    if (verb === 'list')
      return listOf(target, store.list(target.key.resource, target.namespace), String(store.revision))
    if (verb === 'get') {
      const found = store.get(target.key)
      if (found === undefined) throw notFound(target.key)
      return found
    }
    const dryRun = target.query.get('dryRun') === 'All'
    const change = changeOf(verb, target.key, body, request)
    // Admission reviews the patched object. Storage detects an existing name afterwards.
    const object = verb === 'delete' ? undefined : (change.object ?? store.dryRun(change.make))
    const operation = verb === 'delete' ? 'DELETE' : verb === 'create' ? 'CREATE' : 'UPDATE'
    await admit(store, { operation, key: change.key, object, user, dryRun })
    return dryRun ? store.dryRun(change.make) : change.make(store)
  }
}

interface Change {
  readonly key: ObjectKey
  /** For a created object. */
  readonly object?: KubeObject
  make(store: ObjectStore): KubeObject
}

function changeOf(verb: Attributes['verb'], key: ObjectKey, body: string, request: IncomingMessage): Change {
  if (verb === 'delete') return { key, make: (store) => store.remove(key) }
  const sent = JSON.parse(body === '' ? '{}' : body) as KubeObject
  if (verb === 'patch') {
    const type = request.headers['content-type'] ?? ''
    if (!/merge-patch\+json/.test(type))
      throw new StatusError(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - ${type}`)
    return { key, make: (store) => store.patch(key, sent) }
  }
  sent.metadata ??= { name: key.name }
  const object = withStringData(sent)
  if (verb === 'update') return { key, make: (store) => store.update(key, object) }
  const named = { ...key, name: object.metadata.name }
  return { key: named, object, make: (store) => store.create(named, object) }
}

/** The impersonated user, for a user that may impersonate (system:masters and kubeadm's admins). */
function impersonated(user: User | 'invalid', { headers }: IncomingMessage, store: ObjectStore): User | 'invalid' {
  const name = headers['impersonate-user']
  if (user === 'invalid' || typeof name !== 'string') return user
  if (!allows(user, { verb: 'create', plural: 'users', namespace: '', name, path: '' }, store))
    throw new StatusError(
      403,
      'Forbidden',
      `users "${name}" is forbidden: User "${user.name}" cannot impersonate resource "users" in API group "" at the cluster scope`,
    )
  return { name, groups: String(headers['impersonate-group'] ?? '').split(/,\s*/) }
}

/** metav1.MicroTime: RFC 3339 with six digits. */
export const microTime = (at = new Date()): string => at.toISOString().replace(/\.(\d{3})Z$/, '.$1000Z')

function targetOf(url: URL): Target | undefined {
  const match = /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))\/(?<rest>.+)$/.exec(url.pathname)
  if (match?.groups === undefined) return undefined
  const { core, group, rest = '' } = match.groups
  const words = rest.split('/').map(decodeURIComponent)
  const inNamespace = words[0] === 'namespaces' && words.length > 2
  const [plural = '', name = '', subresource = ''] = inNamespace ? words.slice(2) : words
  const resource = resources.find((kind) => kind.plural === plural && kind.group === (core ? '' : group))
  if (resource === undefined) throw new StatusError(404, 'NotFound', 'the server could not find the requested resource')
  const namespace = inNamespace ? (words[1] ?? '') : undefined
  return {
    key: { resource, namespace: namespace ?? '', name },
    isList: name === '',
    namespace,
    subresource,
    query: url.searchParams,
  }
}

function verbOf(method: string, target: Target | undefined): Attributes['verb'] {
  if (method === 'GET') return target?.isList ? 'list' : 'get'
  if (method === 'POST') return 'create'
  if (method === 'PUT') return 'update'
  if (method === 'PATCH') return 'patch'
  if (method === 'DELETE') return 'delete'
  throw new StatusError(405, 'MethodNotAllowed', `the server does not allow this method: ${method}`)
}

function listOf({ key, query }: Target, items: KubeObject[], resourceVersion: string): unknown {
  const labels = (query.get('labelSelector') ?? '')
    .split(',')
    .filter((each) => each !== '')
    .map((each) => each.split(/(!=|==?)/))
  const fields = (query.get('fieldSelector') ?? '')
    .split(',')
    .filter((each) => each !== '')
    .map((each) => each.split(/==?/))
  const field = (object: KubeObject, path: string): unknown =>
    path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], object)
  const kept = items.filter(
    (object) =>
      labels.every(([name = '', operator, value]) => {
        if (operator === undefined) return name in (object.metadata.labels ?? {})
        // Like the real one: an object without the label is unequal to every value.
        return (object.metadata.labels?.[name] === value) !== (operator === '!=')
      }) && fields.every(([path = '', value]) => String(field(object, path)) === value),
  )
  const { group, version, kind } = key.resource
  return {
    kind: `${kind}List`,
    apiVersion: group === '' ? version : `${group}/${version}`,
    metadata: { resourceVersion },
    items: kept,
  }
}

function forbidden(user: User, { verb, plural, namespace, name, path }: Attributes): StatusError {
  const what =
    plural === ''
      ? `path "${path}"`
      : `resource "${plural}"${name === '' ? '' : ` "${name}"`} in namespace "${namespace}"`
  const who = user === anonymous ? anonymous.name : user.name
  return new StatusError(403, 'Forbidden', `forbidden: User "${who}" cannot ${verb} ${what}`)
}

/** stringData is write-only: it becomes data. */
function withStringData(object: KubeObject): KubeObject {
  const { stringData, ...rest } = object as KubeObject & { stringData?: Record<string, string> }
  if (stringData === undefined) return object
  const encoded = Object.entries(stringData).map(([name, value]) => [name, Buffer.from(value).toString('base64')])
  return { ...rest, data: { ...rest.data, ...Object.fromEntries(encoded) } }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function text(response: ServerResponse, code: number, body: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(body)
}
