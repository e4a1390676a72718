import { Readable } from 'node:stream'
import { QuorateError } from '@quorate/shared/errors'
import { parseRunId } from '@quorate/shared/names'
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { followRun, readRun } from '../../runs/context/read-runs.js'
import type { RestParts } from '../context/parts.js'
import { failures } from '../context/schemas.js'
import { serverSentEvents } from '../context/server-sent-events.js'

export const runEventRoutes = (parts: RestParts): readonly RouteOptions[] => [
  {
    method: 'GET',
    url: '/v1/runs/:id/events',
    config: { concerns: 'run' },
    schema: {
      operationId: 'followRun',
      summary: 'Streams the events of a run as server-sent events, past ones first. Continues after Last-Event-ID.',
      params: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
      headers: {
        type: 'object',
        properties: {
          'last-event-id': {
            type: 'string',
            pattern: '^[0-9]{1,15}$',
            description: 'Number of the last event that the client has.',
          },
        },
      },
      response: {
        200: {
          description: '`id` is the number of the event, `event` its kind, `data` the event as JSON.',
          content: { 'text/event-stream': { schema: { type: 'string' } } },
        },
        204: { description: 'The run has ended and the client has every event: do not reconnect.', type: 'null' },
        ...failures,
      },
    },
    handler: async (request, reply) => follow(parts, request, reply),
  },
]

/** A revoked token is noticed within a second. */
const lookMs = 500

/** Each follows a journal by itself: 400 of them made every other request wait. People and dashboards have a few. */
const mostStreams = 64
const streams = new Set<FastifyReply>()

function countStream(reply: FastifyReply): void {
  if (streams.size >= mostStreams)
    throw new QuorateError('TOO_MANY_STREAMS', `${mostStreams} event streams are open, and there may be no more`)
  streams.add(reply)
  reply.raw.once('close', () => streams.delete(reply))
}

async function follow(
  { session, closing, callerOf }: RestParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const id = parseRunId((request.params as { id: string }).id)
  const after = Number(request.headers['last-event-id'] ?? 0)
  const run = await readRun(session, id)
  if (run.outcome !== 'running' && after >= run.seq) return reply.code(204).send()
  const gone = new AbortController()
  countStream(reply)
  // A stream ends with the token that opened it.
  const looking = setInterval(() => {
    void callerOf(request).then(
      (caller) => caller ?? gone.abort(),
      () => gone.abort(),
    )
  }, lookMs)
  reply.raw.once('close', () => {
    clearInterval(looking)
    gone.abort()
  })
  const signal = AbortSignal.any([gone.signal, closing])
  const events = followRun(session, id, { after, signal })
  return reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no') // otherwise nginx holds events back until its buffer is full
    .send(Readable.from(serverSentEvents(events, { signal })))
}
