import type { ServerOptions } from 'node:https'
import swagger, { type SwaggerOptions } from '@fastify/swagger'
import { parseRunId } from '@quorate/shared/names'
import { UnprovenConnections, type UnprovenLimits } from '@quorate/shared/unproven-connections'
import { version } from '@quorate/shared/version'
import { type FastifyInstance, type FastifyRequest, fastify, type RouteOptions } from 'fastify'
import { sealAndShow } from '../audit/agents.js'
import { catchUp } from '../runs/catch-up.js'
import { readRun } from '../runs/context/read-runs.js'
import type { Session } from '../runs/context/session.js'
import { type Credentials, callerOf, guard } from './access.js'
import { accessOf } from './access-table.js'
import type { RestParts } from './context/parts.js'
import { runningRuns } from './context/running-runs.js'
import { schemas } from './context/schemas.js'
import { answerErrors } from './errors.js'
import { recordRequests } from './record-requests.js'
import { approvalRoutes } from './routes/approvals.js'
import { drillRoutes } from './routes/drills.js'
import { fixRoutes } from './routes/fixes.js'
import { healthRoutes } from './routes/health.js'
import { historyRoutes } from './routes/history.js'
import { identityRoutes } from './routes/identities.js'
import { nodeRoutes } from './routes/nodes.js'
import { openApiRoutes } from './routes/openapi.js'
import { planRoutes } from './routes/plans.js'
import { reportRoutes } from './routes/reports.js'
import { runEventRoutes } from './routes/run-events.js'
import { runRoutes } from './routes/runs.js'

export interface RestOptions extends Credentials {
  readonly session: Session
  /** TLS with the fleet's CA; client certificates count only with it. */
  readonly https?: ServerOptions
  /** How often to check whether a node that a run continued without is back; unset: never. */
  readonly catchUpEveryMs?: number
}

/** A cluster file of a thousand nodes has 100 KB. */
const bodyLimit = 1024 * 1024

/** Of connections without a valid token or certificate: a client sends it with its first request. */
const unprovenLimits: UnprovenLimits = { withinMs: 10_000, inAll: 128, ofOneAddress: 32 }
/** A megabyte in this time is 35 KB a second. */
const requestTimeout = 30_000
/** Of clients that have proved who they are; each has a few. */
const mostConnections = 512

/** REST over one state folder, ready for `listen` or `inject`; does not listen itself. */
export function buildApp({ session, https, catchUpEveryMs, ...credentials }: RestOptions): FastifyInstance {
  const options = {
    bodyLimit,
    requestTimeout,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    // No end of its own: a server that stops waits for its runs, and an action is not cut off.
    pluginTimeout: 0,
    ajv: { customOptions: { strict: false, coerceTypes: false, removeAdditional: false } },
  }
  // fastify's type depends on the protocol; nothing here does.
  const app = (https === undefined ? fastify(options) : fastify({ ...options, https })) as FastifyInstance
  const closing = new AbortController()
  const parts: RestParts = {
    session,
    running: runningRuns(() => sealAndShow(session)),
    closing: closing.signal,
    callerOf: (request) => callerOf(request, credentials),
  }
  answerErrors(app)
  guard(app, credentials, async (run) => (await readRun(session, parseRunId(run))).cluster)
  if (session.history !== undefined) recordRequests(app, session.history)
  limitConnections(app)
  if (catchUpEveryMs !== undefined) keepCatchingUp(app, parts, catchUpEveryMs)
  app.addHook('preClose', async () => {
    await parts.running.stop()
    closing.abort()
  })
  app.addContentTypeParser('application/yaml', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  for (const schema of schemas) app.addSchema(schema)
  void app.register(swagger, document as unknown as SwaggerOptions)
  void app.register(async (scope) => {
    for (const route of routesOf(parts)) scope.route(route)
  })
  return app
}

/** Ends connections that prove nothing. After the guard: a request that passed it has proved its connection. */
function limitConnections(app: FastifyInstance): void {
  const unproven = new UnprovenConnections(app.server, unprovenLimits)
  app.server.maxConnections = mostConnections + unprovenLimits.inAll
  app.addHook('onRequest', async (request) => {
    if (!isPublic(request)) unproven.prove(request.raw.socket)
  })
  app.addHook('onSend', async (request, reply) => {
    void reply.header('x-content-type-options', 'nosniff')
    // Such a connection ends soon anyway: the client must not send its next request into the end.
    if (isPublic(request) || reply.statusCode === 401) void reply.header('connection', 'close')
  })
}

/** From the start to the end of the server, ends first: no run is resumed while those that run are stopped. */
function keepCatchingUp(app: FastifyInstance, { session, running }: RestParts, everyMs: number): void {
  const stop = new AbortController()
  app.addHook('onReady', async () => {
    void catchUp(session, { everyMs, signal: stop.signal, onResumed: running.add })
  })
  app.addHook('preClose', async () => stop.abort())
}

const isPublic = ({ method, routeOptions }: FastifyRequest): boolean => accessOf(method, routeOptions.url) === 'public'

/** Every route, in the order of the document. */
function routesOf(parts: RestParts): readonly RouteOptions[] {
  return [
    ...planRoutes(parts),
    ...approvalRoutes(parts),
    ...runRoutes(parts),
    ...fixRoutes(parts),
    ...drillRoutes(parts),
    ...runEventRoutes(parts),
    ...reportRoutes(parts),
    ...nodeRoutes(parts),
    ...identityRoutes(parts),
    ...historyRoutes(parts),
    ...healthRoutes,
    ...openApiRoutes,
  ]
}

/** The plugin's types follow OpenAPI 3.0, which has no mutualTLS. */
const document = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Quorate',
      version,
      description: 'Turns a running kubeadm cluster with one control plane into a highly available one, in place.',
    },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' }, certificate: { type: 'mutualTLS' } } },
    security: [{ token: [] }, { certificate: [] }],
  },
  refResolver: { buildLocalReference: (json: { $id?: unknown }) => String(json.$id) },
} as const
