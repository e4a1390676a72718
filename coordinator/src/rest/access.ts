import { createHash, timingSafeEqual } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { QuorateError } from '@quorate/shared/errors'
import type { FastifyRequest } from 'fastify'

/** `observer` may look, `operator` may look and change: the same words as in the certificates of the fleet. */
export type Role = 'observer' | 'operator'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call this route; `public` needs no credentials. A route without it is refused to everybody. */
    access?: Role | 'public'
  }
}

/** Lets a request pass, or throws NOT_AUTHENTICATED or ACCESS_DENIED. */
export function checkAccess(request: FastifyRequest, token: string): void {
  const needed = request.routeOptions.config.access
  if (needed === 'public') return
  const role = roleByToken(request, token) ?? roleByCertificate(request)
  if (role === undefined)
    throw new QuorateError('NOT_AUTHENTICATED', 'no valid token or client certificate came with this request')
  if (request.is404) return // a caller with a role may learn that there is no such route; anybody else may not
  if (needed === undefined || (needed === 'operator' && role === 'observer')) {
    throw new QuorateError('ACCESS_DENIED', `this needs the role ${needed ?? 'of nobody'}, the caller is ${role}`)
  }
}

/** The token is the operator's own. */
function roleByToken(request: FastifyRequest, token: string): Role | undefined {
  const sent = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (sent === undefined || token === '') return undefined
  // Equal lengths whatever was sent, so that the time of the comparison tells nothing.
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
