import { X509Certificate } from 'node:crypto'
import type { ServerUnaryCall } from '@grpc/grpc-js'
import { type DeniedKey, keyOf } from '@quorate/shared/deny-list'
import { QuorateError } from '@quorate/shared/errors'
import { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import { auditable, observable } from '@quorate/shared/operations'
import { type Role, rolesIn } from '@quorate/shared/roles'
import type { DeniedKeys } from '../host/deny-list.js'

type Methods = typeof NodeAgentServiceService
type Certificate = ReturnType<ServerUnaryCall<unknown, unknown>['getAuthContext']>['sslPeerCertificate']
/** Full path of an operation, such as `/quorate.v1.NodeAgentService/GetNodeFacts`. */
export type MethodPath = Methods[keyof Methods]['path']

const service = '/quorate.v1.NodeAgentService'

/** The least that an operation takes: it is for observers, for auditors, or for operators. */
type Needed = 'observer' | 'auditor' | 'operator'

/** Who may call what: what the tables let observers or auditors call, all else is for operators. */
export const access: Readonly<Record<string, Needed>> = Object.fromEntries(
  Object.entries(NodeAgentServiceService).map(([name, { path }]) => [path, neededFor(name)]),
)

function neededFor(name: string): Needed {
  if (observable.some((one) => one === name)) return 'observer'
  return auditable.some((one) => one === name) ? 'auditor' : 'operator'
}

/** Which roles may do it. An enroller and a node's own certificate (`quorate:node`) may call nothing. */
export const allowed: Readonly<Record<Needed, readonly Role[]>> = {
  observer: ['observer', 'approver', 'auditor', 'operator'],
  auditor: ['auditor', 'operator'],
  operator: ['operator'],
}

/**
 * THE DOOR: every call passes here. Refuses a caller whose key was revoked (IDENTITY_REVOKED) or whose certificate lacks the required role
 * (ACCESS_DENIED). TLS has already verified the chain.
 */
export function requireAccess(path: MethodPath, certificate: Certificate, denied: DeniedKeys): void {
  requireNotRevoked(certificate, denied)
  const needed = access[path] ?? 'operator'
  if (rolesIn(organisationsOf(certificate)).some((role) => allowed[needed].includes(role))) return
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
