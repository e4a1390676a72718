import type { FastifyReply } from 'fastify'
import type { StartedRun } from '../../runs/context/session.js'
import type { RestParts } from './parts.js'
import { failures } from './schemas.js'

/** The responses of a route that starts or continues a run: no other route answers 202. */
export const startedResponses = {
  202: {
    description: 'The run has started or continues; Location is its URL. Follow its events.',
    type: 'object',
    properties: { id: { type: 'string' } },
    required: ['id'],
  },
  ...failures,
} as const

/** Answers for a run that was started, which this process then waits for before it exits. */
export function answerStarted({ running }: RestParts, reply: FastifyReply, run: StartedRun): FastifyReply {
  running.add(run)
  return reply.code(202).header('location', `/v1/runs/${run.id}`).send({ id: run.id })
}
