import type { Server } from 'node:https'
import { systemClock } from '@quorate/shared/clock'
import { QuorateError } from '@quorate/shared/errors'
import { createLog } from '@quorate/shared/log'
import type { FastifyInstance } from 'fastify'
import type { Session } from '../runs/context/session.js'
import { keepIdentities } from '../runs/keep-identities.js'
import type { Credentials } from './access.js'
import { buildApp } from './app.js'
import { buildEnrolment } from './enrolment.js'
import { parseListen } from './listen-address.js'
import { listening } from './listening.js'
import { type IssuerOfFleet, keepShown, tlsOptions } from './shown-certificate.js'

export interface ServeOptions {
  readonly session: Session
  /** `127.0.0.1:7446` (the default of the command line), `[::1]:7446`, `unix:/PATH`; any other address requires TLS. */
  readonly listen: string
  /** The operator's bearer token, from `readOrMakeToken` of state/rest-token.ts; empty: client certificates of the fleet only. */
  readonly token: string
  /** Finds a token that was created by name. */
  readonly findToken?: Credentials['findToken']
  /** Whether a key was revoked, at every request with a certificate. */
  readonly isRevoked?: Credentials['isRevoked']
  /** The issuer of the fleet (`readIssuer` of state/issuer.ts). Called only with TLS, to issue the server certificate. */
  readonly issuer: () => Promise<IssuerOfFleet>
  /** Serve TLS and accept client certificates on loopback too. */
  readonly tls?: boolean
  /** How often to look whether identities, or the certificate that REST shows, are due for renewal; milliseconds, an hour by default. */
  readonly renewEveryMs?: number
}

export interface Serving {
  /** `http://127.0.0.1:7446`, `https://...`, `unix:/PATH`. */
  readonly url: string
  /** Stops listening, stops the runs started here at a safe place, ends every stream. */
  close(): Promise<void>
}

const log = createLog('quorate-rest')
/** Checking a missing worker is cheap. */
const catchUpEveryMs = 10_000
const hourMs = 3_600_000

/** Serves REST; resolves when it listens. PORT_IN_USE, or USAGE for an address without any authentication. */
export async function serve({
  session,
  listen,
  token,
  findToken,
  isRevoked,
  issuer,
  tls = false,
  renewEveryMs = hourMs,
}: ServeOptions): Promise<Serving> {
  const address = parseListen(listen)
  const secure = tls || (address.kind === 'tcp' && !address.loopback)
  if (token === '' && !secure) throw unprotected(listen)
  const https = secure ? tlsOptions(await issuer(), address) : undefined
  const named = { ...(findToken === undefined ? {} : { findToken }), ...(isRevoked === undefined ? {} : { isRevoked }) }
  const stopped = new AbortController()
  const app = buildApp({ session, token, ...named, catchUpEveryMs, ...(https === undefined ? {} : { https }) })
  app.addHook('preClose', async () => stopped.abort())
  const url = await listening(app, address, { listen, secure })
  log.info('listening', { url })
  const keeping = { everyMs: renewEveryMs, signal: stopped.signal, clock: session.clock ?? systemClock }
  void keepIdentities(session, keeping)
  if (https !== undefined)
    void keepShown(
      https,
      showing(app, issuer, (ca) => tlsOptions(ca, address)),
      keeping,
    )
  return { url, close: () => app.close() }
}

type EnrolmentOptions = Pick<ServeOptions, 'session' | 'listen' | 'issuer' | 'renewEveryMs'>

/** Lets nodes join with a token; always TLS, no route but that one. Resolves when it listens; errors as `serve`. */
export async function serveEnrolment({
  session,
  listen,
  issuer,
  renewEveryMs = hourMs,
}: EnrolmentOptions): Promise<Serving> {
  const address = parseListen(listen)
  if (address.kind === 'unix')
    throw new QuorateError('USAGE', 'nodes cannot join through a socket of this machine', {
      where: listen,
      remedy: 'Use an address that the nodes reach: --enroll-listen ADDRESS:PORT.',
    })
  const https = tlsOptions(await issuer(), address)
  const app = buildEnrolment({ session, https })
  const stopped = new AbortController()
  app.addHook('preClose', async () => stopped.abort())
  const url = await listening(app, address, { listen, secure: true })
  log.info('nodes can join with a token', { url })
  const keeping = { everyMs: renewEveryMs, signal: stopped.signal, clock: session.clock ?? systemClock }
  void keepShown(
    https,
    showing(app, issuer, (ca) => tlsOptions(ca, address)),
    keeping,
  )
  return { url, close: () => app.close() }
}

/** How a server gets its next certificate. */
const showing = (
  app: FastifyInstance,
  issuer: ServeOptions['issuer'],
  make: (ca: IssuerOfFleet) => ReturnType<typeof tlsOptions>,
) => ({
  ...{ issuer, make },
  show: (next: ReturnType<typeof tlsOptions>) => (app.server as Server).setSecureContext(next),
})

const unprotected = (where: string): QuorateError =>
  new QuorateError('USAGE', 'a token is required: without TLS there are no client certificates', {
    where,
    remedy: 'Set --token-file, or serve TLS with --tls.',
  })
