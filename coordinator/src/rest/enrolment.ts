import type { ServerOptions } from 'node:https'
import rateLimit from '@fastify/rate-limit'
import { QuorateError } from '@quorate/shared/errors'
import { UnprovenConnections, type UnprovenLimits } from '@quorate/shared/unproven-connections'
import { type FastifyInstance, fastify } from 'fastify'
import { z } from 'zod'
import type { Session } from '../runs/context/session.js'
import { answerErrors } from './errors.js'
import { recordRequests } from './record-requests.js'

export interface EnrolmentOptions {
  readonly session: Session
  readonly https: ServerOptions
}

/** A key on P-256 in PEM has 180 bytes, its signature 100. */
const bodyLimit = 8 * 1024
const requestTimeout = 10_000
/** Nobody who connects has proved anything: a connection is for one request. */
const unprovenLimits: UnprovenLimits = { withinMs: 15_000, inAll: 128, ofOneAddress: 16 }
/** Of one address. A node asks once, and again if it died before it had its files; nodes behind one NAT share an address. */
const most = { max: 30, timeWindow: 60_000, cache: 10_000 }

const offer = z.strictObject({
  node: z.string().max(253),
  publicKeyPem: z.string().max(1_000),
  signature: z.base64().max(1_000),
})

/** Where nodes join with a token (`quorate token node`): one route, ready for `listen`; does not listen itself. */
export function buildEnrolment({ session, https }: EnrolmentOptions): FastifyInstance {
  const { nodeTokens } = session
  if (nodeTokens === undefined)
    throw new QuorateError('STATE_NOT_INITIALISED', 'this state folder issues no identities')
  const app = fastify({
    bodyLimit,
    requestTimeout,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    https,
  }) as unknown as FastifyInstance
  answerErrors(app)
  if (session.history !== undefined) recordRequests(app, session.history)
  new UnprovenConnections(app.server, unprovenLimits)
  app.server.maxConnections = unprovenLimits.inAll
  app.addHook('onSend', async (_request, reply) => {
    void reply.header('connection', 'close').header('cache-control', 'no-store')
  })
  void app.register(async (scope) => {
    await scope.register(rateLimit, most)
    scope.post('/v1/join', async (request) => {
      const secret = /^Bearer (\S{1,200})$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
      const { node, publicKeyPem, signature } = parsed(request.body)
      const files = await nodeTokens.redeem({ node, secret, publicKeyPem, signature: Buffer.from(signature, 'base64') })
      // Who it is is known now: the history names the node.
      request.caller = { who: `node ${node}` } as NonNullable<typeof request.caller>
      return { files }
    })
  })
  return app
}

function parsed(body: unknown): z.output<typeof offer> {
  const { success, data } = offer.safeParse(body)
  if (success) return data
  throw new QuorateError('INVALID_REQUEST', 'a node that joins sends its name, its key and a signature', {
    remedy: 'Use `quorate-agent join` of the same release as this coordinator.',
  })
}
