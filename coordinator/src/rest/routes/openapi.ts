import type { RouteOptions } from 'fastify'
import { failures } from '../context/schemas.js'

export const openApiRoutes: readonly RouteOptions[] = [
  {
    method: 'GET',
    url: '/v1/openapi.json',
    config: { concerns: 'any' },
    schema: {
      operationId: 'getOpenApi',
      summary: 'This document.',
      response: { 200: { description: 'OpenAPI 3.1.', type: 'object', additionalProperties: true }, ...failures },
    },
    handler: async (request) => request.server.swagger(),
  },
]
