import type { RouteOptions } from 'fastify'

/** Reports only that the process answers; needs no credentials. */
export const healthRoutes: readonly RouteOptions[] = [
  {
    method: 'GET',
    url: '/v1/health',
    config: { concerns: 'any' },
    schema: {
      operationId: 'getHealth',
      summary: 'Checks that this coordinator answers.',
      security: [],
      response: {
        200: {
          description: 'The coordinator answers.',
          type: 'object',
          properties: { status: { type: 'string', enum: ['ok'] } },
          required: ['status'],
        },
      },
    },
    handler: async () => ({ status: 'ok' }),
  },
]
