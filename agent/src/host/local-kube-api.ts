import { Agent, type RequestOptions, request } from 'node:https'
import { systemClock } from '@quorate/shared/clock'
import { QuorateError } from '@quorate/shared/errors'
import { sha256Hex } from '@quorate/shared/hash'
import { type KubeconfigView, readKubeconfig } from '@quorate/shared/kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import { requireApiObject } from './api-object.js'
import type { Host } from './host.js'
import { parseBounded, readBody } from './http-body.js'
import type { KubeApi, TrialChange } from './kube-api.js'
import { readLocalApiServer } from './local-api-server.js'

const adminConf = '/etc/kubernetes/admin.conf'
const answerMs = 15_000
/** The whole answer: one that comes byte by byte has an end too. */
const wholeMs = 60_000
const longestMessage = 2_000
/** Answers of the class 1xx before the one that counts. */
const mostInterim = 100

interface Question {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly as?: TrialChange['as'] | undefined
  readonly signal?: AbortSignal | undefined
}

interface Answer {
  readonly status: number
  readonly body: string
}

type Ask = (question: Question) => Promise<Answer>

function send(options: RequestOptions, question: Question): Promise<Answer> {
  const { method, path, body, as, signal } = question
  const text = body === undefined ? undefined : JSON.stringify(body)
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const headers = {
    accept: 'application/json',
    ...(text === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
    ...(as === undefined ? {} : { 'impersonate-user': as.user, 'impersonate-group': [...as.groups] }),
  }
  return new Promise((resolve, reject) => {
    const call = request(
      { ...options, method, path, headers, ...(signal === undefined ? {} : { signal }) },
      (response) => {
        readBody(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
      },
    )
    const giveUp = (why: string): void => {
      const error = new Error(why)
      reject(error)
      call.destroy(error)
    }
    const late = (ms: number) => () => giveUp(`no answer within ${ms / 1000} s`)
    let interim = 0
    call.on('information', () => {
      if (++interim > mostInterim) giveUp(`more than ${mostInterim} interim answers`)
    })
    const whole = setTimeout(late(wholeMs), wholeMs)
    call.once('close', () => clearTimeout(whole))
    call.setTimeout(answerMs, late(answerMs))
    call.on('error', (error) => {
      // A kept connection that the server has closed: the request was never read, so a retry is safe.
      if (call.reusedSocket && 'code' in error && error.code === 'ECONNRESET')
        send(options, question).then(resolve, reject)
      else reject(error)
    })
    call.end(text)
  })
}

/** What the API server passes on from an etcd that elects its leader, for example after the leader stopped; it takes a second. */
const electing = /etcdserver: (?:leader changed|no leader|request timed out)/
const electionMs = 5_000
const electionPauseMs = 250

/** Retries idempotent requests: reads, and deletions. */
async function pastElection(ask: Ask, question: Question): Promise<Answer> {
  const mayRepeat = question.method === 'GET' || question.method === 'DELETE'
  for (const deadline = Date.now() + electionMs; ; ) {
    const answer = await ask(question)
    if (!mayRepeat || answer.status < 500 || !electing.test(answer.body) || Date.now() > deadline) return answer
    await systemClock.sleep(electionPauseMs, question.signal)
  }
}

/** `message` of the Status object that the API server returns, else the beginning of the text. */
function statusMessage(body: string): string {
  try {
    const { message } = parseBounded(body) as { message?: unknown }
    if (typeof message === 'string' && message !== '') return message.slice(0, longestMessage)
  } catch {
    // not JSON: an intermediary's page or plain text
  }
  return body.slice(0, 200)
}

/** An object of the API; API_SERVER_REFUSED for a body that is none. */
function read<T>({ method, path }: Question, body: string): T {
  try {
    const value = parseBounded(body)
    requireApiObject(value)
    return value as T
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new QuorateError('API_SERVER_REFUSED', `${method} ${path}: ${why.slice(0, 200)}`, { where: path })
  }
}

/** DRIFT if the object was changed since it was read. */
function refusal({ method, path }: Question, { status, body }: Answer): QuorateError {
  const message = statusMessage(body)
  return status === 409 && method === 'PUT'
    ? new QuorateError('DRIFT', `${path} was changed concurrently: ${message}`, { where: path })
    : new QuorateError('API_SERVER_REFUSED', `${method} ${path} answered ${status}: ${message}`, { where: path })
}

const isAccepted = ({ status }: Answer): boolean => status >= 200 && status <= 299

function kubeApi(once: Ask): KubeApi {
  const ask: Ask = (question) => pastElection(once, question)
  const done = async <T>(question: Question): Promise<T> => {
    const answer = await ask(question)
    if (!isAccepted(answer)) throw refusal(question, answer)
    return read<T>(question, answer.body)
  }
  return {
    async get<T>(path: string, signal?: AbortSignal) {
      const question: Question = { method: 'GET', path, signal }
      const answer = await ask(question)
      if (answer.status === 404) return undefined
      if (answer.status !== 200) throw refusal(question, answer)
      return read<T>(question, answer.body)
    },
    async answer(path, signal) {
      const { status, body } = await ask({ method: 'GET', path, signal })
      return { status, message: status === 200 ? '' : statusMessage(body) }
    },
    async tryOut({ method, path, body, as }, signal) {
      const dry = `${path}${path.includes('?') ? '&' : '?'}dryRun=All`
      const question: Question = { method, path: dry, body, as, signal }
      const answer = await ask(question)
      const accepted = isAccepted(answer)
      return {
        status: answer.status,
        message: accepted ? '' : statusMessage(answer.body),
        stored: accepted ? read(question, answer.body) : undefined,
      }
    },
    create: (path, body, signal) => done({ method: 'POST', path, body, signal }),
    replace: (path, body, signal) => done({ method: 'PUT', path, body, signal }),
    patch: (path, body, signal) => done({ method: 'PATCH', path, body, signal }),
    async remove(path, signal) {
      const question: Question = { method: 'DELETE', path, signal }
      const answer = await ask(question)
      if (answer.status !== 404 && !isAccepted(answer)) throw refusal(question, answer)
    },
  }
}

interface Connection {
  readonly fingerprint: string
  readonly api: KubeApi
  readonly agent: Agent
}

// An operation uses the API many times; without this each request would need a handshake and leave its socket behind.
const connections = new WeakMap<Host, Connection>()

/** An idle connection is closed after this time: an agent is idle for years. */
const idleMs = 10_000

async function clientCertificate(
  host: Host,
  view: KubeconfigView,
): Promise<{ cert: string | Buffer; key: string | Buffer }> {
  const [cert, key] = await Promise.all([
    view.clientCertificatePem ?? readNamed(host, view.clientCertificatePath),
    view.clientKeyPem ?? readNamed(host, view.clientKeyPath),
  ])
  if (cert !== undefined && key !== undefined) return { cert, key }
  throw new QuorateError('KUBECONFIG_INVALID', 'admin.conf holds no client certificate with its key', {
    where: adminConf,
  })
}

const readNamed = async (host: Host, path: string | undefined): Promise<Buffer | undefined> =>
  path === undefined ? undefined : (await host.read(path, { followLinks: true }))?.bytes

/**
 * The API server of this very node as admin: at its manifest's --advertise-address and --secure-port, never at admin.conf's server,
 * which may be the load balancer that is about to change. TLS is verified against the CA of admin.conf. NOT_A_CONTROL_PLANE without the
 * manifest, ADMIN_KUBECONFIG_MISSING without admin.conf. Connections are kept alive and shared by all calls for one host until either file changes.
 */
export async function connectKubeApi(host: Host): Promise<KubeApi> {
  const [server, file] = await Promise.all([readLocalApiServer(host), host.read(adminConf)])
  if (file === undefined)
    throw new QuorateError('ADMIN_KUBECONFIG_MISSING', `there is no ${adminConf} on this node`, { where: adminConf })
  const fingerprint = `${server.address} ${server.port} ${sha256Hex(file.bytes)}`
  const known = connections.get(host)
  if (known?.fingerprint === fingerprint) return known.api
  const view = readKubeconfig(file.bytes.toString('utf8'), filePlace(adminConf))
  if (view.caPem === undefined) {
    throw new QuorateError('KUBECONFIG_INVALID', 'admin.conf holds no certificate-authority-data', { where: adminConf })
  }
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 16,
    // Reading the cluster takes a dozen requests at once, and soon again: a handshake costs both sides more than a response.
    maxFreeSockets: 16,
    timeout: idleMs,
    ca: view.caPem,
    ...(await clientCertificate(host, view)),
  })
  const api = kubeApi((question) =>
    send({ agent, host: server.address, port: server.port }, question).catch((error: Error) => {
      if (error.name === 'AbortError') throw question.signal?.reason ?? error
      throw new QuorateError(
        'API_SERVER_REFUSED',
        `${question.method} ${question.path} at ${server.url}: ${error.message}`,
        { cause: error },
      )
    }),
  )
  known?.agent.destroy()
  connections.set(host, { fingerprint, api, agent })
  return api
}
