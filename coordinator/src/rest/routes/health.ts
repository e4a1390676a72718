import type { RouteOptions } from 'fastify'

/** Says that the process answers, and nothing else: it needs no credentials. */
export const healthRoutes: readonly RouteOptions[] = [
  {
    method: 'GET',
    url: '/v1/health',
    config: { access: 'public' },
    schema: {
      operationId: 'getHealth',
      summary: 'Whether this coordinator answers.',
      security: [],
      response: {
        200: {
          description: 'It does.',
          type: 'object',
          properties: { status: { type: 'string', enum: ['ok'] } },
          required: ['status'],
        },
      },
    },
    handler: async () => ({ status: 'ok' }),
  },
]
