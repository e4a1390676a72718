import { parseRunId } from '@quorate/shared/names'
import type { RouteOptions } from 'fastify'
import { parseClusterFile } from '../../config/parse-cluster-file.js'
import { partOf, written } from '../../documents/document.js'
import { rollbackPlan } from '../../documents/plan.js'
import { run, runSummary } from '../../documents/run.js'
import { documentedRun } from '../../report/documented-run.js'
import { listRuns, readRun } from '../../runs/context/read-runs.js'
import { startConversion } from '../../runs/convert.js'
import { approve, planConversion } from '../../runs/plan.js'
import { resumeConversion } from '../../runs/resume.js'
import { planRollback, startRollback } from '../../runs/rollback.js'
import { mayConcern } from '../context/may-concern.js'
import type { RestParts } from '../context/parts.js'
import { planHashText, type StartBody, startBody } from '../context/plan-request.js'
import { arrayOf, failures, refTo } from '../context/schemas.js'
import { answerStarted, startedResponses } from '../context/started.js'
import { starterOf } from '../context/starter.js'

const ofRun = { concerns: 'run' } as const
const runId = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } as const

export const runRoutes = (parts: RestParts): readonly RouteOptions[] => [
  startRun(parts),
  listAll(parts),
  readOne(parts),
  resumeRun(parts),
  planUndo(parts),
  undoRun(parts),
]

const startRun = (parts: RestParts): RouteOptions => ({
  method: 'POST',
  url: '/v1/runs',
  schema: {
    operationId: 'startRun',
    summary:
      'Starts the conversion with the approved plan. Refused when findings block it, the plan has changed, approvals are missing, or another run holds the cluster (423).',
    body: startBody,
    response: startedResponses,
  },
  handler: async (request, reply) => {
    const { session } = parts
    const { clusterFile, planHash } = request.body as StartBody
    const file = parseClusterFile(clusterFile, 'clusterFile')
    const approved = await planConversion(session, file)
    approve(approved, planHash)
    const wish = { file, fileText: clusterFile, approved, by: starterOf(request) }
    return answerStarted(parts, reply, await startConversion(session, wish))
  },
})

const listAll = ({ session }: RestParts): RouteOptions => ({
  method: 'GET',
  url: '/v1/runs',
  config: { concerns: 'any' },
  schema: {
    operationId: 'listRuns',
    summary: 'Lists all runs of the state folder, newest first.',
    response: { 200: { description: 'The runs without their steps.', ...arrayOf(refTo('RunSummary')) }, ...failures },
  },
  handler: async ({ caller }) =>
    (await listRuns(session))
      .filter(({ cluster }) => mayConcern(caller, cluster))
      .map((one) => partOf(runSummary, one)),
})

const readOne = ({ session }: RestParts): RouteOptions => ({
  method: 'GET',
  url: '/v1/runs/:id',
  config: ofRun,
  schema: {
    operationId: 'getRun',
    summary: 'Returns a run with its steps.',
    params: runId,
    response: { 200: { description: 'The run, read from its journal.', ...refTo('Run') }, ...failures },
  },
  handler: async (request) => written(run, documentedRun(await readRun(session, idOf(request.params)))),
})

const idOf = (params: unknown) => parseRunId((params as { id: string }).id)

const resumeRun = (parts: RestParts): RouteOptions => ({
  method: 'POST',
  url: '/v1/runs/:id/resume',
  schema: {
    operationId: 'resumeRun',
    summary:
      'Resumes a run from the current state of the cluster. If it would do anything else than was approved, it is refused with every difference (409), unless acceptChanges is set.',
    params: runId,
    body: {
      type: 'object',
      properties: { acceptChanges: { type: 'boolean', default: false } },
      additionalProperties: false,
    },
    response: startedResponses,
  },
  handler: async (request, reply) => {
    const { acceptChanges = false } = request.body as { acceptChanges?: boolean }
    const resumed = await resumeConversion(parts.session, { id: idOf(request.params), acceptChanges })
    return answerStarted(parts, reply, resumed)
  },
})

const planUndo = ({ session }: RestParts): RouteOptions => ({
  method: 'GET',
  url: '/v1/runs/:id/rollback',
  config: ofRun,
  schema: {
    operationId: 'planRollback',
    summary:
      'Plans a rollback: what it undoes, in which order, what stays, and what cannot be undone. Changes nothing.',
    params: runId,
    querystring: { type: 'object', properties: { keepEndpoint: { type: 'string', enum: ['true', 'false'] } } },
    response: { 200: { description: 'The plan of the rollback.', ...refTo('RollbackPlan') }, ...failures },
  },
  handler: async ({ params, query }) => {
    const { keepEndpoint } = query as { keepEndpoint?: string }
    const request = { id: idOf(params), keepEndpoint: keepEndpoint === 'true' }
    return written(rollbackPlan, await planRollback(session, request))
  },
})

const undoRun = (parts: RestParts): RouteOptions => ({
  method: 'POST',
  url: '/v1/runs/:id/rollback',
  schema: {
    operationId: 'rollbackRun',
    summary:
      'Undoes a run in reverse order, or continues an interrupted rollback. Refused when the plan has changed (409) or approvals are missing (422).',
    params: runId,
    body: {
      type: 'object',
      properties: {
        keepEndpoint: { type: 'boolean', default: false },
        planHash: { ...planHashText, description: 'Hash of the plan that was read; if absent, any may start.' },
      },
      additionalProperties: false,
    },
    response: startedResponses,
  },
  handler: async (request, reply) => {
    const { keepEndpoint = false, planHash } = request.body as { keepEndpoint?: boolean; planHash?: string }
    const approved = planHash === undefined ? {} : { planHash }
    const wish = { id: idOf(request.params), keepEndpoint, ...approved, by: starterOf(request) }
    return answerStarted(parts, reply, await startRollback(parts.session, wish))
  },
})
