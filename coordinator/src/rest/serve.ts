import { chmod } from 'node:fs/promises'
import type { Server } from 'node:https'
import { hostname } from 'node:os'
import { type Clock, systemClock } from '@quorate/shared/clock'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import { createLog } from '@quorate/shared/log'
import { isDnsName } from '@quorate/shared/names'
import { pause } from '@quorate/shared/pause'
import { handshakeLimits } from '@quorate/shared/unproven-connections'
import type { FastifyInstance } from 'fastify'
import type { Session } from '../runs/context/session.js'
import { isCertificateDue, type KeepIdentitiesOptions, keepIdentities } from '../runs/keep-identities.js'
import type { Credentials } from './access.js'
import { buildApp } from './app.js'
import { type ListenAddress, parseListen } from './listen-address.js'

/** Certificate and key of an issuer, and the roots that it is below; PEM. */
interface IssuerOfFleet extends KeyPair {
  readonly rootsPem: string
}

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
/** A new certificate is issued at each start, and when a third of its life is left. */
const certificateDays = 90
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
  await listenAt(app, address).catch(async (error: NodeJS.ErrnoException) => {
    await app.close()
    throw cannotListen(error, address, listen)
  })
  const bound = app.addresses()[0]
  const url = urlOf(address, { secure, port: typeof bound === 'object' ? bound.port : undefined })
  log.info('listening', { url })
  const keeping = { everyMs: renewEveryMs, signal: stopped.signal }
  void keepIdentities(session, keeping)
  const show = (next: ReturnType<typeof tlsOptions>) => (app.server as Server).setSecureContext(next)
  if (https !== undefined)
    void keepShown(
      https,
      { issuer, make: (ca) => tlsOptions(ca, address), show },
      { ...keeping, clock: session.clock ?? systemClock },
    )
  return { url, close: () => app.close() }
}

const unprotected = (where: string): QuorateError =>
  new QuorateError('USAGE', 'a token is required: without TLS there are no client certificates', {
    where,
    remedy: 'Set --token-file, or serve TLS with --tls.',
  })

async function listenAt(app: FastifyInstance, address: ListenAddress): Promise<void> {
  if (address.kind === 'unix') await privately(address.path, () => app.listen({ path: address.path }))
  else await app.listen({ host: address.host, port: address.port })
}

/** Makes a socket that only this user can connect to, from its first moment on: a mode that is set afterwards comes too late. */
async function privately(path: string, listen: () => Promise<unknown>): Promise<void> {
  const before = process.umask(0o077)
  try {
    await listen()
  } finally {
    process.umask(before)
  }
  await chmod(path, 0o600)
}

function tlsOptions(ca: IssuerOfFleet, address: ListenAddress) {
  const host = address.kind === 'tcp' ? [address.host] : []
  const { certPem, keyPem } = issueCertificate({
    ca,
    commonName: 'coordinator',
    organizations: ['quorate:coordinator'],
    dnsNames: ['localhost', hostname().toLowerCase()].filter(isDnsName),
    ipAddresses: ['127.0.0.1', ...host.filter((each) => each !== '127.0.0.1' && each !== '0.0.0.0' && each !== '::')],
    days: certificateDays,
    usage: 'server',
  })
  // A caller without a certificate may have the token; access.ts accepts only verified certificates.
  return {
    ca: ca.rootsPem,
    cert: `${certPem}${ca.certPem}`,
    key: keyPem,
    minVersion: 'TLSv1.3',
    handshakeTimeout: handshakeLimits.withinMs,
    requestCert: true,
    rejectUnauthorized: false,
  } as const
}

interface Keeping extends KeepIdentitiesOptions {
  readonly clock: Clock
}

interface Showing<Shown> {
  issuer(): Promise<IssuerOfFleet>
  make(ca: IssuerOfFleet): Shown
  show(next: Shown): void
}

/** Shows a new certificate to those who connect from then on, when it is due and when other roots are trusted; connections stay. */
async function keepShown<Shown extends { readonly cert: string; readonly ca: string }>(
  first: Shown,
  { issuer, make, show }: Showing<Shown>,
  { everyMs, signal, clock }: Keeping,
) {
  let shown = first
  while (!signal.aborted) {
    try {
      const ca = await issuer()
      if (isCertificateDue(shown.cert, clock.now()) || ca.rootsPem !== shown.ca) {
        shown = make(ca)
        show(shown)
      }
    } catch (error) {
      log.warn('the certificate of REST cannot be renewed', { message: asQuorateError(error).message })
    }
    await pause(everyMs, signal)
  }
}

function cannotListen(error: NodeJS.ErrnoException, address: ListenAddress, listen: string): QuorateError {
  const options = { where: listen, cause: error }
  if (error.code !== 'EADDRINUSE')
    return new QuorateError('USAGE', `cannot listen on this address: ${error.message}`, options)
  if (address.kind === 'tcp')
    return new QuorateError('PORT_IN_USE', 'another program listens on this address', {
      ...options,
      remedy: 'Stop that program, or use another address with --listen.',
    })
  return new QuorateError('PORT_IN_USE', 'the socket already exists', {
    ...options,
    remedy: `If no \`quorate serve\` uses it, remove ${address.path}.`,
  })
}

function urlOf(address: ListenAddress, { secure, port }: { secure: boolean; port: number | undefined }): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${secure ? 'https' : 'http'}://${host}:${port ?? address.port}`
}
