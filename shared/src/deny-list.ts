import { createPrivateKey, sign, verify, X509Certificate } from 'node:crypto'
import { QuorateError } from './errors.js'
import { isOfFleet } from './fleet-chain.js'
import { sha256Hex } from './hash.js'
import type { KeyPair } from './issue-certificate.js'
import { pemBlocks } from './pki.js'

/** A key that counts no more, whatever certificate it comes with. */
export interface DeniedKey {
  /** SHA-256 of its SubjectPublicKeyInfo, in hexadecimal. */
  readonly sha256: string
  /** Whose it was: the name of a node, or `coordinator`. */
  readonly whose: string
  /** Unix milliseconds. */
  readonly deniedAt: number
}

/** Every key of a fleet that was revoked. Each list holds what the one before it held; its number is one higher. */
export interface DenyList {
  readonly number: number
  /** Common name of the fleet CA. */
  readonly fleet: string
  readonly denied: readonly DeniedKey[]
}

/** A list as it is signed: one line of JSON. */
export interface OpenedDenyList extends DenyList {
  readonly text: string
}

/** About 6,000 keys. */
export const largestDenyList = 1024 * 1024

/** A signature for a list is none for anything else that the CA signs. */
const signedText = (text: string): Buffer => Buffer.from(`quorate deny list v1\n${text}`)

/** The list with the signature of a root or an issuer of the fleet, and the issuer's certificate (DER, base64): two or three lines. */
export function signDenyList({ number, fleet, denied }: DenyList, { certPem, keyPem }: KeyPair): string {
  const text = JSON.stringify({ number, fleet, denied })
  const signature = sign('sha256', signedText(text), createPrivateKey(keyPem)).toString('base64')
  const signer = new X509Certificate(certPem)
  return [text, signature, ...(isRoot(signer) ? [] : [signer.raw.toString('base64')]), ''].join('\n')
}

const isRoot = (certificate: X509Certificate): boolean => certificate.checkIssued(certificate)

/** Reads a list; DENY_LIST_REFUSED where it is that of another fleet, or neither a root of the fleet nor an issuer of one signed it. */
export function openDenyList(document: string, caPem: string): OpenedDenyList {
  const [text = '', signature = '', issuer = '', ...more] = document.split('\n')
  if (document.length > largestDenyList || more.join('') !== '') throw denyListRefused('it is no signed list')
  const list = parsed(text)
  if (list === undefined) throw denyListRefused('it is no signed list')
  const cas = [...pemBlocks(caPem, 'CERTIFICATE')].map((pem) => new X509Certificate(pem))
  const own = cas.filter((ca) => commonName(ca) === list.fleet)
  if (own.length === 0)
    throw denyListRefused(
      `it is that of ${JSON.stringify(list.fleet)}, not of ${JSON.stringify(cas.map(commonName).join(', '))}`,
    )
  const signers = issuer === '' ? own : [issuerIn(issuer, own)]
  const isSigned = signers.some((one) =>
    verify('sha256', signedText(text), one.publicKey, Buffer.from(signature, 'base64')),
  )
  if (!isSigned) throw denyListRefused(`the CA of ${JSON.stringify(list.fleet)} did not sign it`)
  return { ...list, text }
}

/** The issuer that signed. That it has ended by now says nothing against the list: the newest one may be old. */
function issuerIn(base64: string, roots: readonly X509Certificate[]): X509Certificate {
  let issuer: X509Certificate
  try {
    issuer = new X509Certificate(Buffer.from(base64, 'base64'))
  } catch {
    throw denyListRefused('it is no signed list')
  }
  if (issuer.ca && isOfFleet(issuer.toString(), roots.join(''), Date.now())) return issuer
  throw denyListRefused('who signed it is no issuer of this fleet')
}

/** The name of the fleet that a CA belongs to, as lists have it. */
export const fleetOf = (caPem: string): string => commonName(new X509Certificate(caPem))

/** What a deny list names a certificate by. */
export const keyOf = (certificate: X509Certificate): string =>
  sha256Hex(certificate.publicKey.export({ type: 'spki', format: 'der' }))

const commonName = ({ subject }: X509Certificate): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? ''

function parsed(text: string): DenyList | undefined {
  try {
    const { number, fleet, denied } = JSON.parse(text) as Partial<DenyList>
    const isList =
      Number.isSafeInteger(number) && Number(number) > 0 && typeof fleet === 'string' && Array.isArray(denied)
    return isList && denied.every(isDenied) ? { number: number as number, fleet, denied } : undefined
  } catch {
    return undefined
  }
}

const isDenied = (one: Partial<DeniedKey> | null): boolean =>
  /^[0-9a-f]{64}$/.test(String(one?.sha256)) && typeof one?.whose === 'string' && Number.isSafeInteger(one.deniedAt)

/** DENY_LIST_REFUSED with the reason. */
export const denyListRefused = (why: string): QuorateError =>
  new QuorateError('DENY_LIST_REFUSED', `the list of revoked keys is refused: ${why}`)
