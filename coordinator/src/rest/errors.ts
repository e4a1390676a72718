import { randomUUID } from 'node:crypto'
import { catalogue, type ErrorCode, QuorateError } from '@quorate/shared/errors'
import { createLog } from '@quorate/shared/log'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

const log = createLog('quorate-rest')

/** The body of every failed request. */
export interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly where: string
  readonly remedy: string
  /** Only for INTERNAL: the log of this program has the details under it. */
  readonly correlationId?: string
}

const byStatus: Record<(typeof catalogue)[ErrorCode]['status'], number> = {
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  UNAUTHENTICATED: 401,
  FAILED_PRECONDITION: 422,
  ABORTED: 409,
  UNAVAILABLE: 502,
  DEADLINE_EXCEEDED: 504,
  CANCELLED: 409,
  INTERNAL: 500,
}

/** What a node says of itself or of the coordinator is not about the caller. */
const fromNodes: readonly ErrorCode[] = ['AGENT_UNTRUSTED', 'AGENT_ANSWER_REFUSED', 'IDENTITY_REVOKED', 'NODE_REVOKED']

/** HTTP status of an error code: the catalogue's, except for problems of a node and where HTTP has a better code. */
export function httpStatus(code: ErrorCode): number {
  if (code === 'CLUSTER_HELD') return 423
  if (fromNodes.includes(code)) return 502
  if (code === 'TOO_MANY_STREAMS') return 429
  return byStatus[catalogue[code].status]
}

/** The single place where an exception becomes an HTTP response. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | QuorateError, request, reply) => {
    if (error instanceof QuorateError && error.code !== 'INTERNAL') return answer(reply, httpStatus(error.code), error)
    // fastify's own errors: a body that violates the schema, is too large, or has another content type.
    const status = error instanceof QuorateError ? 500 : (error.statusCode ?? 500)
    return status < 500
      ? answer(reply, status, badRequest(error.message, request))
      : answerInternal(error, request, reply)
  })
  app.setNotFoundHandler((request, reply) =>
    answer(reply, 404, badRequest(`no such route: ${request.method} ${request.url.split('?')[0]}`, request)),
  )
}

function answer(reply: FastifyReply, status: number, error: QuorateError): FastifyReply {
  if (status === 401) void reply.header('www-authenticate', 'Bearer')
  const body: ErrorBody = { code: error.code, message: error.message, where: error.where ?? '', remedy: error.remedy }
  return reply.code(status).type('application/json').send(body)
}

function badRequest(message: string, request: FastifyRequest): QuorateError {
  const where = `${request.method} ${request.url.split('?')[0]}`
  return new QuorateError('USAGE', message, { where, remedy: 'GET /v1/openapi.json describes every request.' })
}

function answerInternal(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const correlationId =
    error instanceof QuorateError && error.correlationId !== undefined ? error.correlationId : randomUUID()
  log.error('a request failed', { correlationId, method: request.method, url: request.routeOptions.url, error })
  const body: ErrorBody = {
    code: 'INTERNAL',
    message: 'Internal error',
    where: '',
    remedy: catalogue.INTERNAL.remedy,
    correlationId,
  }
  return reply.code(500).type('application/json').send(body)
}
