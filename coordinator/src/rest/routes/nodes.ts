import type { RouteOptions } from 'fastify'
import { listNodes } from '../../runs/nodes.js'
import type { RestParts } from '../parts.js'
import { arrayOf, failures, refTo } from '../schemas.js'

export const nodeRoutes = ({ session }: RestParts): readonly RouteOptions[] => [
  {
    method: 'GET',
    url: '/v1/nodes',
    config: { access: 'observer' },
    schema: {
      operationId: 'listNodes',
      summary: 'Every enrolled node: reachable, versions, clock.',
      response: { 200: { description: 'As they answer now.', ...arrayOf(refTo('Node')) }, ...failures },
    },
    handler: async () => listNodes(session),
  },
]
