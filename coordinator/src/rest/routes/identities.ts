import type { RouteOptions } from 'fastify'
import { written } from '../../documents/document.js'
import { renewals } from '../../documents/fleet.js'
import { renewIdentities } from '../../runs/renew.js'
import type { RestParts } from '../context/parts.js'
import { failures, refTo } from '../context/schemas.js'

export const identityRoutes = ({ session }: RestParts): readonly RouteOptions[] => [
  {
    method: 'POST',
    url: '/v1/identities/renew',
    schema: {
      operationId: 'renewIdentities',
      summary:
        'Renews the certificates of agents and of the coordinator that have less than a third of their life left.',
      body: {
        type: 'object',
        properties: {
          names: {
            type: 'array',
            items: { type: 'string' },
            default: [],
            description: 'Nodes, or `coordinator`; empty: all.',
          },
        },
        additionalProperties: false,
      },
      response: { 200: { description: 'What became of each.', ...refTo('Renewals') }, ...failures },
    },
    handler: async (request) => {
      const { names = [] } = request.body as { names?: readonly string[] }
      return written(renewals, { identities: await renewIdentities(session, { names, early: false }) })
    },
  },
]
