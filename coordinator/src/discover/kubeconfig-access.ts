import { dirname, resolve } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { type KubeconfigInUse, kubeconfigInUse } from '@quorate/shared/kubeconfig'
import { z } from 'zod'
import { type ExecPlugin, execPlugin } from './exec-credential.js'
import { readText } from './read-text.js'

/** How an API server is reached and by which credentials. */
export interface ApiAccess {
  readonly server: URL
  /** Name of the cluster in the kubeconfig. */
  readonly clusterName: string
  /** Name that its certificate must have, if not that of the server. */
  readonly tlsName?: string | undefined
  /** Unset: the CAs that the system trusts. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly token?: string | undefined
  /** A program that gives the credentials. */
  readonly exec?: ExecPlugin | undefined
}

const word = z.string().min(1).optional()

const clusterShape = z.object({
  server: z.string(),
  'certificate-authority': word,
  'certificate-authority-data': word,
  'tls-server-name': word,
  'insecure-skip-tls-verify': z.boolean().optional(),
  'proxy-url': word,
})

const userShape = z.object({
  'client-certificate': word,
  'client-certificate-data': word,
  'client-key': word,
  'client-key-data': word,
  token: word,
  tokenFile: word,
  exec: execPlugin.nullish(),
  username: word,
  'auth-provider': z.unknown().optional(),
})

interface Wish {
  /** Path of the kubeconfig. */
  readonly path: string
  readonly context?: string | undefined
}

/** Reads a kubeconfig as kubectl does, files that it names included; USAGE with a remedy for each thing that cannot be used. */
export async function readAccess({ path, context }: Wish): Promise<ApiAccess> {
  const { inUse, server, cluster, user } = parseAccess(await readText(path, 'kubeconfig'), path, context)
  const file = async (name: string | undefined): Promise<string | undefined> =>
    name === undefined ? undefined : readText(resolve(dirname(path), name), 'file that the kubeconfig names')
  const data = (text: string | undefined) =>
    text === undefined ? undefined : Buffer.from(text, 'base64').toString('utf8')
  const access = {
    server,
    clusterName: inUse.clusterName,
    tlsName: cluster['tls-server-name'],
    ca: data(cluster['certificate-authority-data']) ?? (await file(cluster['certificate-authority'])),
    cert: data(user['client-certificate-data']) ?? (await file(user['client-certificate'])),
    key: data(user['client-key-data']) ?? (await file(user['client-key'])),
    token: user.token ?? (await file(user.tokenFile))?.trim(),
    exec: user.exec ?? undefined,
  }
  if (access.token !== undefined && !/^[\x21-\x7e]+$/.test(access.token))
    throw refused(path, 'its token is not a token', 'Write the token as one word.')
  if (
    access.exec === undefined &&
    access.token === undefined &&
    (access.cert === undefined || access.key === undefined)
  )
    throw refused(path, 'it has no credentials', 'Add a client certificate with its key, a token, or an exec plugin.')
  return access
}

/** What a kubeconfig says without a look at other files. */
export function parseAccess(text: string, path: string, context?: string) {
  const inUse = contextOf(text, path, context)
  const cluster = shaped(path, clusterShape, inUse.cluster)
  const user = shaped(path, userShape, inUse.user)
  if (cluster['insecure-skip-tls-verify'] === true)
    throw refused(
      path,
      'insecure-skip-tls-verify is set: any machine on the way could answer as the API server',
      'Remove it and add certificate-authority with /etc/kubernetes/pki/ca.crt of the control plane.',
    )
  if (cluster['proxy-url'] !== undefined)
    throw refused(
      path,
      'it uses proxy-url, which Quorate does not support',
      'Use a machine that reaches the API server.',
    )
  if (user['auth-provider'] !== undefined || user.username !== undefined)
    throw refused(
      path,
      'its user has a password or an auth-provider, which Kubernetes no longer supports',
      'Use a client certificate, a token, or an exec plugin.',
    )
  return { inUse, cluster, user, server: serverOf(path, cluster.server) }
}

function contextOf(text: string, path: string, context: string | undefined): KubeconfigInUse {
  const choose = 'Name one with --context; `kubectl config get-contexts` lists them.'
  try {
    const inUse = kubeconfigInUse(text, { what: 'the kubeconfig', where: path, edit: `vi ${path}` }, context)
    if (inUse.contextName !== undefined) return inUse
  } catch (error) {
    if (!(error instanceof QuorateError)) throw error
    const noContext = /no current-context|no context of that name/.test(error.message)
    throw new QuorateError('USAGE', error.message, {
      where: path,
      cause: error,
      remedy: noContext ? choose : error.remedy,
    })
  }
  throw refused(path, 'it has no current-context', choose)
}

function serverOf(path: string, server: string): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined
  if (url?.protocol === 'https:' && url.username === '' && url.search === '' && url.hash === '') return url
  throw refused(path, 'its server is not https://HOST:PORT', 'Write server: https://HOST:PORT.')
}

function shaped<T>(path: string, shape: z.ZodType<T>, value: unknown): T {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const at = parsed.error.issues[0]?.path.join('.') ?? ''
  throw refused(path, `its ${at} is not what a kubeconfig has there`, 'Correct it, or write the kubeconfig again.')
}

const refused = (where: string, why: string, remedy: string): QuorateError =>
  new QuorateError('USAGE', `the kubeconfig cannot be used: ${why}`, { where, remedy })
