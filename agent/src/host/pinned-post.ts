import { X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import { isIP } from 'node:net'
import { type ConnectionOptions, connect, type DetailedPeerCertificate } from 'node:tls'
import { keyOf } from '@quorate/shared/deny-list'
import { QuorateError } from '@quorate/shared/errors'

export interface PinnedPlace {
  readonly host: string
  readonly port: number
  /** Hexadecimal SHA-256 of the public key of the root that its certificate must be below. */
  readonly pin: string
}

export interface Posted {
  readonly status: number
  readonly body: string
}

const patienceMs = 20_000
const mostBytes = 64 * 1024
/** As the certificates of the coordinator have it, and those of no node. */
const organization = 'quorate:coordinator'
/** A chain of certificates that leads in a circle ends here. */
const longestChain = 8

/**
 * Sends JSON to a coordinator that is known by a pin alone. AGENT_UNTRUSTED where another answers, before anything is sent to it; AGENT_UNREACHABLE
 * where nothing answers in twenty seconds.
 */
export async function postPinned(
  place: PinnedPlace,
  path: string,
  { token, json }: { readonly token: string; readonly json: unknown },
): Promise<Posted> {
  const root = await pinnedRoot(place)
  const body = JSON.stringify(json)
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{
          host: place.host,
          port: place.port,
          path,
          method: 'POST',
          agent: false,
          ca: root,
          minVersion: 'TLSv1.3' as const,
        },
        ...nameOf(place.host),
        timeout: patienceMs,
        checkServerIdentity: (_name, certificate) =>
          [certificate.subject.O].flat().includes(organization)
            ? undefined
            : untrusted(place, 'its certificate is not one of a coordinator'),
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      (answer) => {
        const chunks: Buffer[] = []
        let bytes = 0
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > mostBytes) sent.destroy(untrusted(place, 'its answer is too long'))
          else chunks.push(chunk)
        })
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        )
        answer.on('error', (error) => reject(said(place, error)))
      },
    )
    sent.on('timeout', () => sent.destroy(new Error('no answer')))
    sent.on('error', (error) => reject(said(place, error)))
    sent.end(body)
  })
}

/** The root that the coordinator shows and that the pin names. Nothing is sent; that a server shows it proves nothing yet: the next connection must prove to be below it. */
function pinnedRoot(place: PinnedPlace): Promise<string> {
  const { host, port, pin } = place
  const options: ConnectionOptions = { host, port, rejectUnauthorized: false, minVersion: 'TLSv1.3', ...nameOf(host) }
  return new Promise((resolve, reject) => {
    const socket = connect(options, () => {
      const root = chainOf(socket.getPeerCertificate(true)).find((one) => keyOf(one) === pin)
      socket.destroy()
      if (root !== undefined) return resolve(root.toString())
      reject(untrusted(place, 'it does not belong to the fleet that the token names'))
    })
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer')))
    socket.on('error', (error) => reject(said(place, error)))
  })
}

function chainOf(first: DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = []
  for (let one: DetailedPeerCertificate | undefined = first; one?.raw !== undefined && chain.length < longestChain; ) {
    chain.push(new X509Certificate(one.raw))
    one = one.issuerCertificate === one ? undefined : one.issuerCertificate
  }
  return chain
}

/** An address is no server name (RFC 6066). */
const nameOf = (host: string): { readonly servername: string } => ({ servername: isIP(host) === 0 ? host : '' })

const untrusted = ({ host, port }: PinnedPlace, why: string): QuorateError =>
  new QuorateError('COORDINATOR_UNTRUSTED', `${host}:${port} is not to be trusted: ${why}. Nothing was sent to it`, {
    where: `${host}:${port}`,
  })

function said(place: PinnedPlace, error: Error): QuorateError {
  if (error instanceof QuorateError) return error
  const { code = '' } = error as NodeJS.ErrnoException
  if (/^(CERT_|UNABLE_|SELF_SIGNED|DEPTH_|INVALID_|ERR_TLS)/.test(code)) return untrusted(place, error.message)
  return new QuorateError(
    'COORDINATOR_UNREACHABLE',
    `nothing answers at ${place.host}:${place.port}: ${error.message}`,
    {
      where: `${place.host}:${place.port}`,
      cause: error,
    },
  )
}
