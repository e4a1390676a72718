import type { RouteOptions } from 'fastify'
import { parseClusterFile } from '../../config/parse-cluster-file.js'
import { written } from '../../documents/document.js'
import { plan } from '../../documents/plan.js'
import { planConversion } from '../../runs/plan.js'
import type { RestParts } from '../context/parts.js'
import { failures, refTo } from '../context/schemas.js'

/** As JSON, or the file itself: `curl --data-binary @cluster.yaml -H 'content-type: application/yaml'`. */
type Body = string | { readonly clusterFile: string }

export const planRoutes = ({ session }: RestParts): readonly RouteOptions[] => [
  {
    method: 'POST',
    url: '/v1/plans',
    schema: {
      operationId: 'createPlan',
      summary: 'Plans a conversion: findings and the ordered actions with their diffs. Changes nothing on any node.',
      body: {
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: { clusterFile: { type: 'string', description: 'Text of the cluster file (YAML).' } },
              required: ['clusterFile'],
              additionalProperties: false,
            },
          },
          'application/yaml': { schema: { type: 'string' } },
        },
      },
      response: { 200: { description: 'The plan; `blocked` says whether it may run.', ...refTo('Plan') }, ...failures },
    },
    handler: async (request) => {
      const body = request.body as Body
      const file = parseClusterFile(typeof body === 'string' ? body : body.clusterFile, 'clusterFile')
      return written(plan, await planConversion(session, file))
    },
  },
]
