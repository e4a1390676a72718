import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { keyOf } from '@quorate/shared/deny-list'
import { QuorateError } from '@quorate/shared/errors'
import { type Role, rolesIn } from '@quorate/shared/roles'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { accessOf } from './access-table.js'

/** Whose request it is. */
export interface Caller {
  /** Name of a token or in a certificate; `token` is the one that the server was started with. */
  readonly who: string
  readonly role: Role
  /** Clusters whose runs it may read; empty: all. */
  readonly clusters: readonly string[]
  /** SHA-256 of its certificate. */
  readonly fingerprint?: string
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What a caller for some clusters only may see of it: the run of the path, if it is of one of them; `any`, where the handler looks itself
     * or nothing is of a cluster. Unset: nothing.
     */
    concerns?: 'run' | 'any'
  }
  interface FastifyRequest {
    caller: Caller | undefined
  }
}

/** How callers are known. */
export interface Credentials {
  /** Of the operator, from the file that the server was started with; empty: none. */
  readonly token: string
  /** Whether a key, by the SHA-256 of its public half, was revoked. */
  isRevoked?(sha256: string): Promise<boolean>
  /** A token that was created by name. */
  findToken?(token: string): Promise<(Omit<Caller, 'who'> & { readonly name: string }) | undefined>
}

/** Finds out who asks, and refuses who may not: NOT_AUTHENTICATED or ACCESS_DENIED. `clusterOf` is the cluster of a run. */
export function guard(
  app: FastifyInstance,
  credentials: Credentials,
  clusterOf: (run: string) => Promise<string>,
): void {
  app.decorateRequest('caller', undefined)
  app.addHook('onRequest', async (request) => {
    const isPublic = accessOf(request.method, request.routeOptions.url) === 'public'
    // What needs no credentials is not refused for bad ones.
    request.caller = await callerOf(request, credentials).catch((error: unknown) => {
      if (!isPublic) throw error
      return undefined
    })
    checkAccess(request)
  })
  app.addHook('preHandler', async ({ caller, routeOptions, params }) => {
    if (caller === undefined || caller.clusters.length === 0 || routeOptions.config.concerns === 'any') return
    const { id = '' } = params as { id?: string }
    if (routeOptions.config.concerns === 'run' && caller.clusters.includes(await clusterOf(id))) return
    throw new QuorateError('ACCESS_DENIED', `${caller.who} may read runs of ${caller.clusters.join(', ')} only`)
  })
}

function checkAccess({ method, routeOptions, is404, caller }: FastifyRequest): void {
  const allowed = accessOf(method, routeOptions.url)
  if (allowed === 'public') return
  if (caller === undefined)
    throw new QuorateError('NOT_AUTHENTICATED', 'the request carries no valid token or client certificate')
  if (is404) return // only a caller with a role may learn that the route does not exist
  if (allowed?.includes(caller.role) === true) return
  throw new QuorateError(
    'ACCESS_DENIED',
    allowed === undefined
      ? 'no role may call this route'
      : `this route requires the role ${allowed.join(' or ')}, the caller has the role ${caller.role}`,
  )
}

/** Who asks, now: a token that was revoked or has expired is nobody's. */
export async function callerOf(request: FastifyRequest, credentials: Credentials): Promise<Caller | undefined> {
  const sent = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (sent === undefined) return byCertificate(request, credentials)
  if (credentials.token !== '' && timingSafeEqual(digest(sent), digest(credentials.token)))
    return { who: 'token', role: 'operator', clusters: [] }
  const named = await credentials.findToken?.(sent)
  return named === undefined
    ? byCertificate(request, credentials)
    : { who: `token ${named.name}`, role: named.role, clusters: named.clusters }
}

// Digests have equal lengths, so the time of the comparison reveals nothing.
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Only a certificate that the TLS layer has verified against the fleet CA, and only as long as its key is not revoked. */
async function byCertificate(request: FastifyRequest, { isRevoked }: Credentials): Promise<Caller | undefined> {
  const socket = request.raw.socket as Partial<TLSSocket>
  if (socket.authorized !== true || socket.getPeerCertificate === undefined) return undefined
  const { subject, fingerprint256: fingerprint, raw } = socket.getPeerCertificate()
  if (await isRevoked?.(keyOf(new X509Certificate(raw))))
    throw new QuorateError('NOT_AUTHENTICATED', `the key of ${subject?.CN} was revoked`, {
      remedy: `If that was a mistake, have another identity issued: quorate identity issue ${subject?.CN} --role ROLE --to DIR`,
    })
  const organizations = [subject?.O ?? []].flat()
  const [role, ...more] = rolesIn(organizations)
  // One person has one role; a certificate with several was not issued by `quorate`.
  return role === undefined || more.length > 0
    ? undefined
    : { who: String(subject?.CN), role, clusters: [], fingerprint }
}
