import type { RouteOptions } from 'fastify'
import { parseClusterFile } from '../../config/parse-cluster-file.js'
import { written } from '../../documents/document.js'
import { drillPlan } from '../../documents/plan.js'
import { planDrill } from '../../runs/drill/plan-drill.js'
import { startDrill } from '../../runs/drill/start-drill.js'
import type { RestParts } from '../context/parts.js'
import {
  clusterFileText,
  type DrillWish,
  drillOf,
  drillWish,
  planHashText,
  whileAsked,
} from '../context/plan-request.js'
import { failures, refTo } from '../context/schemas.js'
import { answerStarted, startedResponses } from '../context/started.js'
import { starterOf } from '../context/starter.js'

interface PlanBody {
  readonly clusterFile: string
  readonly drill?: DrillWish
}

interface StartBody extends PlanBody {
  readonly planHash: string
}

/** What `quorate drill` does, in two requests. */
export const drillRoutes = (parts: RestParts): readonly RouteOptions[] => [plan(parts), start(parts)]

const requestOf = ({ clusterFile: fileText, drill }: PlanBody) =>
  drillOf({ file: parseClusterFile(fileText, 'clusterFile'), fileText }, drill)

const plan = (parts: RestParts): RouteOptions => ({
  method: 'POST',
  url: '/v1/drills/plan',
  schema: {
    operationId: 'planDrill',
    summary:
      'Runs every proof, and plans what a drill would take down. Changes nothing. Refused while a run holds the cluster (423).',
    body: {
      type: 'object',
      properties: { clusterFile: clusterFileText, drill: drillWish },
      required: ['clusterFile'],
      additionalProperties: false,
    },
    response: { 200: { description: 'The proofs and the plan of the drill.', ...refTo('DrillPlan') }, ...failures },
  },
  handler: async ({ body }, reply) =>
    written(drillPlan, await planDrill(parts.session, requestOf(body as PlanBody), whileAsked(parts, reply))),
})

const start = (parts: RestParts): RouteOptions => ({
  method: 'POST',
  url: '/v1/drills',
  schema: {
    operationId: 'startDrill',
    summary:
      'Takes down what the plan that was read says, with the same options. Refused when the plan has changed (409), approvals are missing, the cluster is not highly available (422), or another run holds it (423).',
    body: {
      type: 'object',
      properties: { clusterFile: clusterFileText, planHash: planHashText, drill: drillWish },
      required: ['clusterFile', 'planHash'],
      additionalProperties: false,
    },
    response: startedResponses,
  },
  handler: async (request, reply) => {
    const body = request.body as StartBody
    const wish = { ...requestOf(body), planHash: body.planHash, by: starterOf(request) }
    return answerStarted(parts, reply, await startDrill(parts.session, wish))
  },
})
