import type { IncomingMessage } from 'node:http'
import { Agent, type RequestOptions, request } from 'node:https'
import { createSecureContext } from 'node:tls'
import { QuorateError } from '@quorate/shared/errors'
import type { z } from 'zod'
import type { ApiAccess } from './kubeconfig-access.js'

const answerMs = 15_000
/** A page of a hundred Nodes with fifty images each is 2 MiB. */
const mostBytes = 8 * 1024 * 1024
const pageSize = 100
/** Kubernetes supports 5,000 Nodes. */
const mostPages = 200

/** Reads objects of one API server, and nothing else. */
export interface KubeReader {
  /** `https://HOST:PORT` */
  readonly server: string
  /** An object; `absent` for 404, `forbidden` for 403. CLUSTER_NOT_READ for everything else that is no object of that shape. */
  get<T>(path: string, shape: z.ZodType<T>): Promise<T | 'absent' | 'forbidden'>
  /** Every page of a list. */
  list<T>(path: string, shape: z.ZodType<Page<T>>): Promise<readonly T[] | 'absent' | 'forbidden'>
  close(): void
}

export interface Page<T> {
  readonly metadata?: { readonly continue?: string | undefined } | undefined
  readonly items: readonly T[]
}

/** A reader by the credentials of a kubeconfig. It follows no redirect and trusts no certificate but of the kubeconfig's CA. */
export function connectReader(access: ApiAccess, signal: AbortSignal): KubeReader {
  const { server: url, ca, cert, key, token, tlsName } = access
  requireReadable({ ca, cert, key })
  const agent = new Agent({ keepAlive: true, maxSockets: 4, ...defined({ ca, cert, key, servername: tlsName }) })
  const server = url.href.replace(/\/$/, '')
  const get: KubeReader['get'] = async (path, shape) => {
    const options = {
      agent,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? 443 : url.port,
      path: url.pathname.replace(/\/$/, '') + path,
      headers: { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      signal,
    }
    const { status, body } = await ask(options).catch((error: Error) => {
      throw signal.aborted ? ended(server, signal) : unreachable(server, error)
    })
    if (status === 404) return 'absent'
    if (status === 403) return 'forbidden'
    if (status !== 200) throw refusal(server, status, body)
    return shaped(body, shape, { path, server })
  }
  return { server, get, list: (path, shape) => allPages(get, path, shape), close: () => agent.destroy() }
}

/** Here, and not as a failed connection: PEM that is none is the kubeconfig's fault. */
function requireReadable(credentials: { [Key in 'ca' | 'cert' | 'key']: string | undefined }): void {
  try {
    createSecureContext(defined(credentials))
  } catch (cause) {
    throw new QuorateError(
      'USAGE',
      'the kubeconfig cannot be used: a certificate or key in it is not valid PEM, or they do not match',
      {
        cause,
        remedy: 'Get the kubeconfig again, or use /etc/kubernetes/admin.conf of the control plane.',
      },
    )
  }
}

async function allPages<T>(
  get: KubeReader['get'],
  path: string,
  shape: z.ZodType<Page<T>>,
): Promise<readonly T[] | 'absent' | 'forbidden'> {
  const items: T[] = []
  let next = ''
  for (let pages = 0; pages < mostPages; pages++) {
    const query = `limit=${pageSize}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`
    const page = await get(`${path}${path.includes('?') ? '&' : '?'}${query}`, shape)
    if (page === 'absent' || page === 'forbidden') return page
    items.push(...page.items)
    next = page.metadata?.continue ?? ''
    if (next === '') return items
  }
  throw new QuorateError('CLUSTER_NOT_READ', `the list ${path} has more than ${mostPages} pages`)
}

const defined = <T extends object>(values: T): { [Key in keyof T]: NonNullable<T[Key]> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: NonNullable<T[Key]>
  }

interface Answer {
  readonly status: number
  readonly body: string
}

function ask(options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(options, (response) => {
      bounded(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), giveUp)
    })
    const giveUp = (error: Error): void => {
      reject(error)
      call.destroy()
    }
    // The whole answer: one that comes byte by byte has an end too.
    const late = setTimeout(() => giveUp(new Error(`no answer within ${answerMs / 1000} s`)), answerMs)
    call.once('close', () => clearTimeout(late))
    call.on('error', reject)
    call.end()
  })
}

async function bounded(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    chunks.push(chunk as Buffer)
    bytes += (chunk as Buffer).length
    if (bytes > mostBytes) throw new Error(`an answer of more than ${mostBytes} bytes`)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function shaped<T>(body: string, shape: z.ZodType<T>, { path, server }: { path: string; server: string }): T {
  try {
    return shape.parse(JSON.parse(body))
  } catch (cause) {
    throw new QuorateError('CLUSTER_NOT_READ', `GET ${path} did not return what a Kubernetes API server returns`, {
      where: server,
      cause,
      remedy: 'Check the server of the kubeconfig: something else may answer there, such as a proxy.',
    })
  }
}

/** By the operator, or because all of it took too long. */
const ended = (where: string, { reason }: AbortSignal): QuorateError =>
  reason instanceof Error && reason.name === 'TimeoutError'
    ? unreachable(where, new Error('it answers too slowly'))
    : new QuorateError('INTERRUPTED', 'the cluster was not read: stopped', { where, remedy: 'Nothing was changed.' })

function unreachable(where: string, error: NodeJS.ErrnoException): QuorateError {
  const code = error.code ?? ''
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/.test(code))
    return new QuorateError('CLUSTER_NOT_READ', `the certificate of the API server is not trusted: ${code}`, {
      where,
      cause: error,
      remedy:
        'In the kubeconfig, certificate-authority must be the CA of this cluster, and the server a name or address of its certificate; otherwise set tls-server-name.',
    })
  const why = code === '' ? error.message.slice(0, 200) : code
  return new QuorateError('CLUSTER_NOT_READ', `the API server cannot be reached: ${why}`, {
    where,
    cause: error,
    remedy: 'Check `kubectl get nodes` with the same kubeconfig, from this machine.',
  })
}

function refusal(where: string, status: number, body: string): QuorateError {
  if (status === 401)
    return new QuorateError(
      'CLUSTER_NOT_READ',
      'the API server does not accept the credentials of the kubeconfig (401)',
      {
        where,
        remedy: 'They may have expired. Get a new kubeconfig, or use /etc/kubernetes/admin.conf of the control plane.',
      },
    )
  const said = /"message":"([^"\\]{0,200})/.exec(body.slice(0, 4096))?.[1] ?? ''
  return new QuorateError('CLUSTER_NOT_READ', `the API server answered ${status}${said === '' ? '' : `: ${said}`}`, {
    where,
  })
}
