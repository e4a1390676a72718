import { createHmac } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { KeyPair } from '@quorate/shared/issue-certificate'

// biome-ignore lint/suspicious/noExplicitAny: objects of any kind, of which tests read the fields that they put there
export type Json = Record<string, any>

export interface ApiServer {
  readonly port: number
  /** By API path; what a test puts here is there. */
  readonly objects: Map<string, Json>
  /** `METHOD path`, in order. */
  readonly asked: string[]
  /** Bearer tokens that it knows, `id.secret`. */
  readonly tokens: Set<string>
  /** Sockets that were accepted. */
  connections(): number
  /** Ends every open connection, as a restart would. */
  drop(): void
  /** So many requests from now on are answered 500 with this message. */
  refuse(requests: number, message: string): void
  /** The files of the certificate were changed and read anew, as a kube-apiserver does by itself. */
  reload(pair: KeyPair): void
  close(): Promise<void>
}

export interface ApiServerOptions {
  readonly pair: KeyPair
  readonly caPem: string
  /** False: the controller-manager does not run, nothing is signed. */
  readonly signs?: boolean
}

/** The API server's behaviour that the agent relies on: mTLS, resourceVersions, merge patches, Status objects, signatures in cluster-info. */
export async function startApiServer({ pair, caPem, signs = true }: ApiServerOptions): Promise<ApiServer> {
  const objects = new Map<string, Json>()
  const asked: string[] = []
  const sockets = new Set<TLSSocket>()
  const state: State = { objects, asked, signs, refusing: { requests: 0, message: '' }, tokens: new Set() }
  let accepted = 0
  const tls = { requestCert: true, rejectUnauthorized: false, ca: caPem }
  const server: Server = createServer({ ...tls, cert: pair.certPem, key: pair.keyPem }, (request, response) => {
    void answer(state, request, response)
  })
  server.on('secureConnection', (socket) => {
    accepted++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const drop = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    objects,
    asked,
    connections: () => accepted,
    drop,
    tokens: state.tokens,
    refuse: (requests, message) => Object.assign(state.refusing, { requests, message }),
    reload: (next) => server.setSecureContext({ ...tls, cert: next.certPem, key: next.keyPem }),
    close: () => {
      drop()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

interface State {
  readonly objects: Map<string, Json>
  readonly asked: string[]
  readonly signs: boolean
  readonly refusing: { requests: number; readonly message: string }
  /** Bearer tokens that it knows, `id.secret`. */
  readonly tokens: Set<string>
}

let version = 1000

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { method = '', url = '' } = request
  state.asked.push(`${method} ${url}`)
  const say = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  if (url === '/readyz') return say(200, 'ok')
  if (state.refusing.requests > 0) {
    state.refusing.requests--
    return say(500, { kind: 'Status', message: state.refusing.message })
  }
  const { authorization } = request.headers
  const token = authorization?.replace(/^Bearer /, '')
  if (token !== undefined && !state.tokens.has(token)) return say(401, { kind: 'Status', message: 'Unauthorized' })
  const anonymous = token === undefined && !(request.socket as TLSSocket).authorized
  if (anonymous && !url.includes('/kube-public/')) {
    return say(403, { kind: 'Status', message: `User "system:anonymous" cannot ${method} ${url}` })
  }
  const text = Buffer.concat(chunks).toString('utf8')
  const [status, body] = act(state, { method, url, body: text === '' ? undefined : JSON.parse(text) })
  say(status, body)
}

function act(
  { objects, signs }: State,
  { method, url, body }: { method: string; url: string; body: Json | undefined },
): [number, Json] {
  // How to delete stands in the query; what to list, too.
  // Everything is on the first page.
  const path = method === 'DELETE' ? (url.split('?')[0] ?? url) : url.replace(/[?&]limit=\d+$/, '')
  const found = objects.get(path)
  const status = (code: number, message: string): [number, Json] => [code, { kind: 'Status', message }]
  if (method === 'POST' && body !== undefined) {
    const path = `${url}/${body['metadata'].name}`
    if (objects.has(path)) return status(409, `${path} already exists`)
    store(objects, path, body)
    if (signs && path.includes('/bootstrap-token-')) signClusterInfo(objects, body)
    return [201, body]
  }
  if (found === undefined && method === 'GET' && url.includes('?fieldSelector=type%3D'))
    return [200, ofType(objects, url)]
  if (found === undefined) return status(404, `${url} not found`)
  if (method === 'PUT' && body !== undefined) {
    const given = body['metadata'].resourceVersion
    if (given !== undefined && given !== found['metadata'].resourceVersion) {
      return status(409, 'the object has been modified; please apply your changes to the latest version and try again')
    }
    return [200, store(objects, url, body)]
  }
  if (method === 'PATCH' && body !== undefined) return [200, store(objects, url, merge(found, body))]
  if (method === 'DELETE') objects.delete(path)
  return [200, found]
}

/** Secrets of one type: the one list with a field selector that every API server has an index for. */
function ofType(objects: Map<string, Json>, url: string): Json {
  const [folder = '', query] = url.split('?')
  const type = new URLSearchParams(query).get('fieldSelector')?.slice('type='.length)
  const items = [...objects].filter(([path, object]) => path.startsWith(`${folder}/`) && object['type'] === type)
  return { items: items.map(([, object]) => object) }
}

function store(objects: Map<string, Json>, path: string, body: Json): Json {
  const kept = { ...body, metadata: { ...body['metadata'], resourceVersion: String(++version) } }
  objects.set(path, kept)
  return kept
}

function merge(target: Json, patch: Json): Json {
  const result: Json = { ...target }
  for (const [key, value] of Object.entries(patch)) {
    const both = typeof value === 'object' && value !== null && typeof result[key] === 'object'
    if (value === null) delete result[key]
    else result[key] = both ? merge(result[key], value) : value
  }
  return result
}

/** What the controller-manager's bootstrap signer does (cluster-bootstrap, token/jws). */
function signClusterInfo(objects: Map<string, Json>, secret: Json): void {
  const path = '/api/v1/namespaces/kube-public/configmaps/cluster-info'
  const info = objects.get(path)
  if (info === undefined) return
  const plain = (key: string): string => Buffer.from(secret['data'][key], 'base64').toString('utf8')
  const url = (text: string): string => Buffer.from(text, 'utf8').toString('base64url')
  const header = url(JSON.stringify({ alg: 'HS256', kid: plain('token-id') }))
  const signature = createHmac('sha256', plain('token-secret'))
    .update(`${header}.${url(info['data'].kubeconfig)}`)
    .digest('base64url')
  store(objects, path, {
    ...info,
    data: { ...info['data'], [`jws-kubeconfig-${plain('token-id')}`]: `${header}..${signature}` },
  })
}
