import type { RouteOptions } from 'fastify'
import { parseClusterFile } from '../../config/parse-cluster-file.js'
import { written } from '../../documents/document.js'
import { fixPlan } from '../../documents/plan.js'
import { planFix } from '../../runs/fix/plan-fix.js'
import { startFix } from '../../runs/fix/start-fix.js'
import { requireSamePlan } from '../../runs/plan.js'
import type { RestParts } from '../context/parts.js'
import { clusterFileBody, clusterFileIn, type StartBody, startBody, whileAsked } from '../context/plan-request.js'
import { failures, refTo } from '../context/schemas.js'
import { answerStarted, startedResponses } from '../context/started.js'
import { starterOf } from '../context/starter.js'

/** What `quorate verify --fix` does, in two requests. */
export const fixRoutes = (parts: RestParts): readonly RouteOptions[] => [plan(parts), start(parts)]

const plan = (parts: RestParts): RouteOptions => ({
  method: 'POST',
  url: '/v1/fixes/plan',
  schema: {
    operationId: 'planFix',
    summary:
      'Runs every proof, and plans the steps that fix what it finds, with their diffs. Changes nothing. Refused while a run holds the cluster (423).',
    body: clusterFileBody,
    response: { 200: { description: 'The proofs and the plan of the fix.', ...refTo('FixPlan') }, ...failures },
  },
  handler: async ({ body }, reply) => {
    const file = parseClusterFile(clusterFileIn(body), 'clusterFile')
    return written(fixPlan, await planFix(parts.session, file, whileAsked(parts, reply)))
  },
})

const start = (parts: RestParts): RouteOptions => ({
  method: 'POST',
  url: '/v1/fixes',
  schema: {
    operationId: 'startFix',
    summary:
      'Starts the fix with the plan that was read. Refused when the plan has changed (409), approvals are missing, no step can fix anything (422), or another run holds the cluster (423).',
    body: startBody,
    response: startedResponses,
  },
  handler: async (request, reply) => {
    const { session } = parts
    const { clusterFile: fileText, planHash } = request.body as StartBody
    const file = parseClusterFile(fileText, 'clusterFile')
    const approved = await planFix(session, file, whileAsked(parts, reply))
    requireSamePlan(approved.plan, planHash)
    return answerStarted(parts, reply, await startFix(session, { file, fileText, approved, by: starterOf(request) }))
  },
})
