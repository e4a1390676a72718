import { parseRunId } from '@quorate/shared/names'
import type { RouteOptions } from 'fastify'
import { parseClusterFile } from '../../config/parse-cluster-file.js'
import { startConversion } from '../../runs/convert.js'
import { approve, planConversion } from '../../runs/plan.js'
import { listRuns, readRun } from '../../runs/read-runs.js'
import { resumeConversion } from '../../runs/resume.js'
import { planRollback, startRollback } from '../../runs/rollback.js'
import type { RestParts } from '../parts.js'
import { arrayOf, failures, refTo } from '../schemas.js'

const access = { read: { access: 'observer' }, write: { access: 'operator' } } as const
const runId = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } as const

interface StartBody {
  readonly clusterFile: string
  readonly planHash: string
}

export const runRoutes = (parts: RestParts): readonly RouteOptions[] => [
  startRun(parts),
  listAll(parts),
  readOne(parts),
  resumeRun(parts),
  planUndo(parts),
  undoRun(parts),
]

const startRun = ({ session, running }: RestParts): RouteOptions => ({
  method: 'POST',
  url: '/v1/runs',
  config: access.write,
  schema: {
    operationId: 'startRun',
    summary:
      'Starts the conversion whose plan was approved. Refused when findings block it, the plan changed, or another run holds the cluster (423).',
    body: {
      type: 'object',
      properties: {
        clusterFile: { type: 'string', description: 'Text of the cluster file (YAML).' },
        planHash: { type: 'string', minLength: 1, description: 'Hash of the plan that a person approved.' },
      },
      required: ['clusterFile', 'planHash'],
      additionalProperties: false,
    },
    response: {
      202: {
        description: 'It runs; Location says where.',
        type: 'object',
        properties: { id: { type: 'string' } },
        required: ['id'],
      },
      ...failures,
    },
  },
  handler: async (request, reply) => {
    const { clusterFile, planHash } = request.body as StartBody
    const file = parseClusterFile(clusterFile, 'clusterFile')
    const approved = await planConversion(session, file)
    approve(approved, planHash)
    const run = await startConversion(session, { file, fileText: clusterFile, approved })
    running.add(run)
    return reply.code(202).header('location', `/v1/runs/${run.id}`).send({ id: run.id })
  },
})

const listAll = ({ session }: RestParts): RouteOptions => ({
  method: 'GET',
  url: '/v1/runs',
  config: access.read,
  schema: {
    operationId: 'listRuns',
    summary: 'All runs of the state folder, newest first.',
    response: { 200: { description: 'The runs without their steps.', ...arrayOf(refTo('RunSummary')) }, ...failures },
  },
  handler: async () => listRuns(session),
})

const readOne = ({ session }: RestParts): RouteOptions => ({
  method: 'GET',
  url: '/v1/runs/:id',
  config: access.read,
  schema: {
    operationId: 'getRun',
    summary: 'What a run did and is doing.',
    params: runId,
    response: { 200: { description: 'The run, folded from its journal.', ...refTo('Run') }, ...failures },
  },
  handler: async (request) => readRun(session, parseRunId((request.params as { id: string }).id)),
})

const going = {
  202: {
    description: 'It goes on; its events say how.',
    type: 'object',
    properties: { id: { type: 'string' } },
    required: ['id'],
  },
  ...failures,
} as const
const idOf = (params: unknown) => parseRunId((params as { id: string }).id)

const resumeRun = ({ session, running }: RestParts): RouteOptions => ({
  method: 'POST',
  url: '/v1/runs/:id/resume',
  config: access.write,
  schema: {
    operationId: 'resumeRun',
    summary:
      'Goes on with a run from what is true now. Refused with every difference when something else would be done than was approved (409), unless acceptChanges.',
    params: runId,
    body: {
      type: 'object',
      properties: { acceptChanges: { type: 'boolean', default: false } },
      additionalProperties: false,
    },
    response: going,
  },
  handler: async (request, reply) => {
    const { acceptChanges = false } = request.body as { acceptChanges?: boolean }
    const run = await resumeConversion(session, { id: idOf(request.params), acceptChanges })
    running.add(run)
    return reply.code(202).header('location', `/v1/runs/${run.id}`).send({ id: run.id })
  },
})

const planUndo = ({ session }: RestParts): RouteOptions => ({
  method: 'GET',
  url: '/v1/runs/:id/rollback',
  config: access.read,
  schema: {
    operationId: 'planRollback',
    summary: 'What undoing a run would do, in its order, what stays, and what cannot be undone. Changes nothing.',
    params: runId,
    querystring: { type: 'object', properties: { keepEndpoint: { type: 'string', enum: ['true', 'false'] } } },
    response: { 200: { description: 'The way back.', ...refTo('RollbackPlan') }, ...failures },
  },
  handler: async (request) => {
    const { keepEndpoint } = request.query as { keepEndpoint?: string }
    return planRollback(session, { id: idOf(request.params), keepEndpoint: keepEndpoint === 'true' })
  },
})

const undoRun = ({ session, running }: RestParts): RouteOptions => ({
  method: 'POST',
  url: '/v1/runs/:id/rollback',
  config: access.write,
  schema: {
    operationId: 'rollbackRun',
    summary: 'Undoes a run in reverse order, or goes on with an undo that was cut off.',
    params: runId,
    body: {
      type: 'object',
      properties: { keepEndpoint: { type: 'boolean', default: false } },
      additionalProperties: false,
    },
    response: going,
  },
  handler: async (request, reply) => {
    const { keepEndpoint = false } = request.body as { keepEndpoint?: boolean }
    const run = await startRollback(session, { id: idOf(request.params), keepEndpoint })
    running.add(run)
    return reply.code(202).header('location', `/v1/runs/${run.id}`).send({ id: run.id })
  },
})
