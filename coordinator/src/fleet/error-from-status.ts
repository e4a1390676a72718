import { type ServiceError, status } from '@grpc/grpc-js'
import { isErrorCode, QuorateError } from '@quorate/shared/errors'
import { ErrorDetail } from '@quorate/shared/gen/quorate/v1/operation'
import { answerRefused, saidByNode } from './allowance.js'

/** Metadata key under which an agent sends its ErrorDetail. */
const detailKey = 'quorate-error-bin'

/** The agent's own account of an error, where it gave one. */
export function detailOf(error: ServiceError): ErrorDetail | undefined {
  const [bytes] = error.metadata?.get(detailKey) ?? []
  if (!(bytes instanceof Uint8Array)) return undefined
  try {
    return ErrorDetail.decode(bytes)
  } catch {
    return undefined // not our format: the status alone has to do
  }
}

// TLS failures reach the caller as UNAVAILABLE with the words of OpenSSL or Node's tls (grpc-js does not keep their codes).
const trustProblem =
  /certificate|self[- ]signed|altnames|tls alert|ssl alert|SSL routines|unable to verify|EPROTO|ERR_TLS/i

// No TLS 1.3, or a certificate of another CA, name or purpose. Alerts about our own certificate and expired ones are not among them.
const notOfThisFleet =
  /SSL routines(?!.*alert (?!protocol version|handshake failure))|EPROTO|unable to (?:verify|get)|self[- ]signed|unsuitable certificate|altname/is

const notOfThisFleetRemedy =
  "Check the node's address and port in the cluster file. On that node, `systemctl status quorate-agent` and `ss -ltnp` show which program listens on the port. If it is the agent, enroll the node again with `quorate enroll NODE --address HOST --bundle DIR`."

/** True when the connection itself is the problem and asking again might help; false for every answer that an agent gave. */
export function isConnectionLoss(error: ServiceError): boolean {
  if (detailOf(error) !== undefined) return false
  if (error.code === status.UNAVAILABLE) return !trustProblem.test(error.details)
  // What grpc-js says of a stream that was reset or cut without a status.
  return error.code === status.INTERNAL && /RST_STREAM|ECONNRESET|EPIPE|socket hang up/i.test(error.details)
}

/** One border of the errors: gRPC status of a node's agent -> QuorateError whose `where` is the node. */
export function errorFromStatus(error: ServiceError, node: string): QuorateError {
  const detail = detailOf(error)
  if (detail !== undefined && detail.code !== '') return fromDetail(detail, node, error)
  const options = { where: node, cause: error }
  const said = saidByNode(innermost(error.details || error.message))
  if (isConnectionLoss(error))
    return new QuorateError('AGENT_UNREACHABLE', `the agent cannot be reached: ${said}`, options)
  if (error.code === status.UNAVAILABLE && notOfThisFleet.test(said))
    return new QuorateError(
      'AGENT_UNTRUSTED',
      `what answers on the agent's port is not a Quorate agent of this fleet: ${tlsReason(said)}`,
      { ...options, remedy: notOfThisFleetRemedy },
    )
  switch (error.code) {
    case status.UNAVAILABLE:
    case status.UNAUTHENTICATED:
      return new QuorateError(
        'AGENT_UNTRUSTED',
        `the agent and this coordinator do not trust each other: ${said}`,
        options,
      )
    case status.DEADLINE_EXCEEDED:
      return new QuorateError('AGENT_UNREACHABLE', `the agent did not answer in time: ${said}`, options)
    case status.PERMISSION_DENIED:
      return new QuorateError('ACCESS_DENIED', said, options)
    case status.CANCELLED:
      return new QuorateError('INTERRUPTED', `the call was ended: ${said}`, options)
    case status.UNIMPLEMENTED:
      if (notTaken.test(said)) return answerRefused(node, refusedAnswer(error.code, said), error)
      return new QuorateError('INVALID_REQUEST', `the agent does not know this operation: ${said}`, options)
    default:
      return answerRefused(node, refusedAnswer(error.code, said), error)
  }
}

/** What grpc-js says of an answer that it, or `boundedClient`, does not take. */
const notTaken =
  /^(?:Response message parsing error: |Received message |(?=Too many responses received|No message received))(.*)$/s

/** A status without Quorate's own detail: an answer that was not taken, or one that no agent gives. */
function refusedAnswer(code: status, said: string): string {
  const reason = notTaken.exec(said)?.[1]
  return reason === undefined
    ? `ended the call with status ${status[code] ?? code}: ${said}`
    : `answered with what no agent of Quorate sends: ${reason}`
}

/** What the system said, out of grpc-js's wrapping: `No connection established. Last error: Error: connect ECONNREFUSED ... Resolution note:`. */
function innermost(details: string): string {
  const said = /Last error: (?:Error: )?(.*?)(?:\. Resolution note:.*)?$/s.exec(details)?.[1]
  return said?.replace(/^Failed to connect.*/, 'the connection was closed') ?? details
}

/** The reason out of an OpenSSL error line. */
const tlsReason = (said: string): string => /:SSL routines:[^:]*:([^:]+):/.exec(said)?.[1] ?? said

function fromDetail(detail: ErrorDetail, node: string, cause: ServiceError): QuorateError {
  const { code } = detail
  // An agent that is newer than we are may have codes that we lack: its words and remedy still hold.
  const [known, message] = isErrorCode(code)
    ? [code, detail.message]
    : (['INTERNAL', `${code}: ${detail.message}`] as const)
  return new QuorateError(known, saidByNode(message), {
    where: node,
    cause,
    ...(detail.remedy === '' ? {} : { remedy: saidByNode(detail.remedy) }),
    ...(detail.correlationId === '' ? {} : { correlationId: saidByNode(detail.correlationId) }),
  })
}
