import type { RouteOptions } from 'fastify'
import { partOf } from '../../documents/document.js'
import { node } from '../../documents/fleet.js'
import { listNodes } from '../../runs/nodes.js'
import type { RestParts } from '../context/parts.js'
import { arrayOf, failures, refTo } from '../context/schemas.js'

export const nodeRoutes = ({ session }: RestParts): readonly RouteOptions[] => [
  {
    method: 'GET',
    url: '/v1/nodes',
    schema: {
      operationId: 'listNodes',
      summary: 'Lists every enrolled node: whether it is reachable, its versions, clock and certificate expiry.',
      response: { 200: { description: 'The nodes as they answer now.', ...arrayOf(refTo('Node')) }, ...failures },
    },
    handler: async () => (await listNodes(session)).map((one) => partOf(node, one)),
  },
]
