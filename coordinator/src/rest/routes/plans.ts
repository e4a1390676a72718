import type { RouteOptions } from 'fastify'
import { parseClusterFile } from '../../config/parse-cluster-file.js'
import { written } from '../../documents/document.js'
import { plan } from '../../documents/plan.js'
import { planConversion } from '../../runs/plan.js'
import type { RestParts } from '../context/parts.js'
import { clusterFileBody, clusterFileIn } from '../context/plan-request.js'
import { failures, refTo } from '../context/schemas.js'

export const planRoutes = ({ session }: RestParts): readonly RouteOptions[] => [
  {
    method: 'POST',
    url: '/v1/plans',
    schema: {
      operationId: 'createPlan',
      summary: 'Plans a conversion: findings and the ordered actions with their diffs. Changes nothing on any node.',
      body: clusterFileBody,
      response: { 200: { description: 'The plan; `blocked` says whether it may run.', ...refTo('Plan') }, ...failures },
    },
    handler: async ({ body }) =>
      written(plan, await planConversion(session, parseClusterFile(clusterFileIn(body), 'clusterFile'))),
  },
]
