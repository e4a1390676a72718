import type { FastifyRequest } from 'fastify'
import type { Starter } from '../../runs/approvals/require.js'

/** Who starts a run by a request: an approver with the name of this token or certificate is the same person. */
export function starterOf({ caller }: FastifyRequest): Starter {
  const who = caller?.who ?? 'unknown'
  return { who, names: [who.replace(/^token /, '').toLowerCase()] }
}
