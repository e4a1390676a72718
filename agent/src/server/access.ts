import { X509Certificate } from 'node:crypto'
import type { ServerUnaryCall } from '@grpc/grpc-js'
import { type DeniedKey, keyOf } from '@quorate/shared/deny-list'
import { QuorateError } from '@quorate/shared/errors'
import { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import { observable } from '@quorate/shared/operations'
import type { DeniedKeys } from '../host/deny-list.js'

/** `observer` may read, `operator` may read and change. */
export type Role = 'observer' | 'operator'

type Methods = typeof NodeAgentServiceService
type Certificate = ReturnType<ServerUnaryCall<unknown, unknown>['getAuthContext']>['sslPeerCertificate']
/** Full path of an operation, such as `/quorate.v1.NodeAgentService/GetNodeFacts`. */
export type MethodPath = Methods[keyof Methods]['path']

const service = '/quorate.v1.NodeAgentService'

/** Who may call what: what the table lets observers call is for both roles, all else for operators. */
export const access: Readonly<Record<string, Role>> = Object.fromEntries(
  Object.entries(NodeAgentServiceService).map(([name, { path }]) => [
    path,
    observable.some((one) => one === name) ? 'observer' : 'operator',
  ]),
)

/** Organisation (O) of a client certificate to its role. A node's own certificate (`quorate:node`) has none. */
const roleOfOrganisation: Readonly<Record<string, Role>> = {
  'quorate:observer': 'observer',
  'quorate:operator': 'operator',
}

/**
 * THE DOOR: every call passes here. Refuses a caller whose key was revoked (IDENTITY_REVOKED) or whose certificate lacks the required role
 * (ACCESS_DENIED). TLS has already verified the chain.
 */
export function requireAccess(path: MethodPath, certificate: Certificate, denied: DeniedKeys): void {
  requireNotRevoked(certificate, denied)
  const needed: Role = access[path] ?? 'operator'
  const roles = organisationsOf(certificate).map((name) =>
    Object.hasOwn(roleOfOrganisation, name) ? roleOfOrganisation[name] : undefined,
  )
  if (roles.includes('operator') || roles.includes(needed)) return
  const caller = certificate?.subject?.CN ?? 'a caller without a certificate'
  throw new QuorateError(
    'ACCESS_DENIED',
    `${caller} may not call ${path.slice(service.length + 1)}: it requires the role ${needed}`,
  )
}

/** Whether the key of a certificate was revoked. */
export const isRevoked = (certificate: Certificate, denied: DeniedKeys): boolean =>
  revokedKey(certificate, denied) !== undefined

function requireNotRevoked(certificate: Certificate, denied: DeniedKeys): void {
  const key = revokedKey(certificate, denied)
  if (key === undefined) return
  const [caller, since] = [certificate?.subject?.CN ?? 'the caller', new Date(key.deniedAt).toISOString()]
  throw new QuorateError('IDENTITY_REVOKED', `the key of ${caller} was revoked on ${since}, as one of ${key.whose}`)
}

function revokedKey(certificate: Certificate, denied: DeniedKeys): DeniedKey | undefined {
  // Of a connection that is gone Node has an empty one.
  return certificate?.raw === undefined ? undefined : denied.find(keyOf(new X509Certificate(certificate.raw)))
}

/** Node returns one O as a string, several as a list. */
function organisationsOf(certificate: Certificate): string[] {
  const named: string | string[] | undefined = certificate?.subject?.O
  return named === undefined ? [] : [named].flat()
}
