import { randomBytes } from 'node:crypto'
import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { catalogue, isErrorCode, QuorateError } from '@quorate/shared/errors'
import { ErrorDetail } from '@quorate/shared/gen/quorate/v1/operation'
import type { Log } from '@quorate/shared/log'
import { diskRemedy, isSystemError } from './system-error.js'

/** Name of the binary metadata with the ErrorDetail of a failed call. */
export const errorMetadataName = 'quorate-error-bin'

/**
 * The parts of an error that may leave this node. A QuorateError is sent unchanged, a system error with its own message; anything
 * else is a bug: its message and stack go only to this agent's log, under the correlation id that the caller gets.
 */
export function describeError(error: unknown, log: Log): ErrorDetail {
  if (error instanceof QuorateError) {
    const { code, message, remedy, correlationId } = error
    return { code, message, remedy, correlationId: correlationId ?? '' }
  }
  if (isSystemError(error)) {
    return describeError(new QuorateError('SYSTEM_REFUSED', error.message, { remedy: diskRemedy(error) }), log)
  }
  const correlationId = randomBytes(6).toString('hex')
  log.error('defect', { correlationId, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  const message = `this is a bug in quorate-agent; its journal has the details under ${correlationId}`
  return { code: 'INTERNAL', message, remedy: catalogue.INTERNAL.remedy, correlationId }
}

/** An error from the ledger; a code that only a newer agent knows becomes INTERNAL. */
export function errorFrom({ code, message, remedy, correlationId }: ErrorDetail): QuorateError {
  const known = isErrorCode(code) ? code : 'INTERNAL'
  return new QuorateError(known, message, { remedy, ...(correlationId === '' ? {} : { correlationId }) })
}

/** The single place where an error becomes a gRPC status. */
export function toServiceError(detail: ErrorDetail): ServiceError {
  const name = isErrorCode(detail.code) ? catalogue[detail.code].status : 'INTERNAL'
  const metadata = new Metadata()
  metadata.set(errorMetadataName, Buffer.from(ErrorDetail.encode(detail).finish()))
  const details = `${detail.code}: ${detail.message}`
  return Object.assign(new Error(details), { code: status[name], details, metadata })
}
