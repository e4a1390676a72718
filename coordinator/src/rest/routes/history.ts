import { QuorateError } from '@quorate/shared/errors'
import type { RouteOptions } from 'fastify'
import { written } from '../../documents/document.js'
import { history as historyDocument } from '../../documents/history.js'
import type { RestParts } from '../context/parts.js'
import { failures, refTo } from '../context/schemas.js'

const most = 10_000

export const historyRoutes = ({ session }: RestParts): readonly RouteOptions[] => [
  {
    method: 'GET',
    url: '/v1/history',
    schema: {
      operationId: 'listHistory',
      summary: 'Lists what was done with the state folder, oldest first.',
      querystring: {
        type: 'object',
        properties: {
          newest: {
            type: 'string',
            pattern: '^[1-9][0-9]{0,4}$',
            description: `How many, at most ${most}; 200 by default.`,
          },
        },
      },
      response: { 200: { description: 'The newest entries.', ...refTo('History') }, ...failures },
    },
    handler: async ({ query }) => {
      const { newest = '200' } = query as { newest?: string }
      if (session.history === undefined)
        throw new QuorateError('STATE_NOT_INITIALISED', 'this state folder has no history')
      const { entries } = await session.history.read()
      return written(historyDocument, { entries: entries.slice(-Math.min(most, Number(newest))) })
    },
  },
]
