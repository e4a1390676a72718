import { createHash, timingSafeEqual } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { QuorateError } from '@quorate/shared/errors'
import type { FastifyRequest } from 'fastify'

/** `observer` may read, `operator` may read and change: the same roles as in the certificates of the fleet. */
export type Role = 'observer' | 'operator'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The role that this route requires; `public` needs no credentials. A route without it refuses every caller. */
    access?: Role | 'public'
  }
}

/** Accepts a request, or throws NOT_AUTHENTICATED or ACCESS_DENIED. */
export function checkAccess(request: FastifyRequest, token: string): void {
  const needed = request.routeOptions.config.access
  if (needed === 'public') return
  const role = roleByToken(request, token) ?? roleByCertificate(request)
  if (role === undefined)
    throw new QuorateError('NOT_AUTHENTICATED', 'the request carries no valid token or client certificate')
  if (request.is404) return // only a caller with a role may learn that the route does not exist
  if (needed === undefined || (needed === 'operator' && role === 'observer')) {
    throw new QuorateError(
      'ACCESS_DENIED',
      needed === undefined
        ? 'no role may call this route'
        : `this route requires the role ${needed}, the caller has the role ${role}`,
    )
  }
}

/** Who asks: the token, the name in a verified certificate, or unknown. For the record; it decides nothing. */
export function callerOf(
  request: FastifyRequest,
  token: string,
): { readonly who: string; readonly fingerprint?: string } {
  if (roleByToken(request, token) !== undefined) return { who: 'token' }
  if (roleByCertificate(request) === undefined) return { who: 'unknown' }
  const { subject, fingerprint256 } = (request.raw.socket as TLSSocket).getPeerCertificate()
  return { who: String(subject.CN), fingerprint: fingerprint256 }
}

/** The token has the role `operator`. */
function roleByToken(request: FastifyRequest, token: string): Role | undefined {
  const sent = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (sent === undefined || token === '') return undefined
  // Digests have equal lengths, so the time of the comparison reveals nothing.
  return timingSafeEqual(digest(sent), digest(token)) ? 'operator' : undefined
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Only a certificate that the TLS layer has verified against the fleet CA. */
function roleByCertificate(request: FastifyRequest): Role | undefined {
  const socket = request.raw.socket as Partial<TLSSocket>
  if (socket.authorized !== true || socket.getPeerCertificate === undefined) return undefined
  const organizations = [socket.getPeerCertificate().subject?.O ?? []].flat()
  if (organizations.includes('quorate:operator')) return 'operator'
  return organizations.includes('quorate:observer') ? 'observer' : undefined
}
