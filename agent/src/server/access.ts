import type { ServerUnaryCall } from '@grpc/grpc-js'
import { QuorateError } from '@quorate/shared/errors'
import { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import { observable } from '@quorate/shared/operations'

/** `observer` may look, `operator` may look and change. */
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

/** Organisation (O) of a client certificate to the role it gives. A node's own certificate (`quorate:node`) gives none. */
const roleOfOrganisation: Readonly<Record<string, Role>> = {
  'quorate:observer': 'observer',
  'quorate:operator': 'operator',
}

/** Refuses a caller whose certificate does not carry the role that the operation needs: ACCESS_DENIED. The chain was already verified by TLS. */
export function requireAccess(path: MethodPath, certificate: Certificate): void {
  const needed: Role = access[path] ?? 'operator'
  const roles = organisationsOf(certificate).map((name) =>
    Object.hasOwn(roleOfOrganisation, name) ? roleOfOrganisation[name] : undefined,
  )
  if (roles.includes('operator') || roles.includes(needed)) return
  const caller = certificate?.subject?.CN ?? 'a caller without a certificate'
  throw new QuorateError(
    'ACCESS_DENIED',
    `${caller} may not call ${path.slice(service.length + 1)}: it needs the role ${needed}`,
  )
}

/** Node gives one O as a string, several as a list. */
function organisationsOf(certificate: Certificate): string[] {
  const named: string | string[] | undefined = certificate?.subject?.O
  return named === undefined ? [] : [named].flat()
}
