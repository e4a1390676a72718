import { createPrivateKey, createPublicKey, type KeyObject, sign, verify, X509Certificate } from 'node:crypto'
import { QuorateError } from './errors.js'
import { isOfRoot } from './fleet-chain.js'
import { sha256Hex } from './hash.js'
import { type CertificateView, readCertificate, readCertificates } from './pki.js'
import { isPersonName, rolesIn } from './roles.js'

/** Kinds of runs that are approved, each with its own plan. */
export const approvalKinds = ['convert', 'fix', 'drill', 'rollback'] as const
export type ApprovalKind = (typeof approvalKinds)[number]

/** What an approver says. */
export interface ApprovalStatement {
  /** Public key of the fleet's CA, as `sha256:hex`. */
  readonly fleet: string
  readonly cluster: string
  readonly kind: ApprovalKind
  /** sha256, hex. The plan of a rollback names its run. */
  readonly planHash: string
  /** Common name of the approver's certificate. */
  readonly approver: string
  /** Unix milliseconds. */
  readonly at: number
  readonly until: number
}

/** A statement as it is kept and recorded: anyone with the CA certificate of the fleet can verify it. */
export interface SignedApproval {
  /** The text that is signed. */
  readonly statement: string
  /** ECDSA with SHA-256 (DER), base64. */
  readonly signature: string
  /** PEM, issued by a root of the fleet for the role approver: the issuer, which operators have, makes no approvers. */
  readonly certificate: string
}

/** An approval whose signature, certificate and dates hold. */
export interface Approval extends ApprovalStatement {
  /** sha256 of the statement, hex: one that is signed a second time is the same approval. */
  readonly id: string
  /** Two names with one key are one approver. */
  readonly publicKeyPin: string
  /** SHA-256 of the certificate. */
  readonly fingerprint: string
  readonly signed: SignedApproval
}

const hour = 3_600_000
/** A plan that was reviewed longer ago is to be reviewed again. */
export const mostApprovalHours = 168
/** Clocks of machines differ. */
const aheadMs = 300_000

/** The text that is signed: one line for each field, so that an approver can read it and `openssl dgst -sign` can sign it. */
export const approvalText = ({ fleet, cluster, kind, planHash, approver, at, until }: ApprovalStatement): string =>
  [
    'quorate approval v1',
    `fleet ${fleet}`,
    `cluster ${cluster}`,
    `kind ${kind}`,
    `plan ${planHash}`,
    `approver ${approver}`,
    `at ${new Date(at).toISOString()}`,
    `until ${new Date(until).toISOString()}`,
    '',
  ].join('\n')

const form =
  /^quorate approval v1\nfleet (sha256:[0-9a-f]{64})\ncluster ([a-z0-9-]{1,63})\nkind ([a-z]+)\nplan ([0-9a-f]{64})\napprover ([a-z0-9-]{1,40})\nat (\S{24})\nuntil (\S{24})\n$/

const invalid = (why: string, cause?: unknown): QuorateError =>
  new QuorateError('APPROVAL_INVALID', `the approval does not count: ${why}`, { cause })

/** Reads a statement without any proof of who made it; APPROVAL_INVALID for any other text. */
export function parseApproval(text: string): ApprovalStatement {
  const [, fleet = '', cluster = '', kind = '', planHash = '', approver = '', at = '', until = ''] =
    form.exec(text) ?? []
  const statement = {
    ...{ fleet, cluster, planHash, approver, at: Date.parse(at), until: Date.parse(until) },
    kind: approvalKinds.find((one) => one === kind) ?? 'convert',
  }
  const isDated = !Number.isNaN(statement.at) && !Number.isNaN(statement.until)
  // One text for one statement: nothing can be said in two ways.
  if (!isDated || approvalText(statement) !== text) throw invalid('it is not a statement in the form of an approval')
  return statement
}

/** Signs a statement with an approver's key. */
export function signApproval(
  statement: ApprovalStatement,
  { certPem, keyPem }: { readonly certPem: string; readonly keyPem: string },
): SignedApproval {
  const text = approvalText(statement)
  const signature = sign('sha256', Buffer.from(text), createPrivateKey(keyPem)).toString('base64')
  return { statement: text, signature, certificate: certPem }
}

/** Where and when an approval has to hold. */
export interface ApprovalTest {
  /** Certificate of the fleet's CA. */
  readonly caPem: string
  /** Unix milliseconds. */
  readonly now: number
  /** SHA-256 of public keys that were revoked; an approval that was used stays what it was, so none where a journal is read. */
  readonly denied?: ReadonlySet<string>
}

/** An approval of this fleet that holds now; APPROVAL_INVALID with the reason for any other. Whose plan it is about is for the caller to compare. */
export function readApproval(signed: SignedApproval, { caPem, now, denied }: ApprovalTest): Approval {
  const statement = parseApproval(signed.statement)
  const certificate = approverCertificate(signed, statement, caPem)
  if (!isSignature(signed)) throw invalid(`its signature is not that of ${statement.approver}'s key`)
  const pins = readCertificates(caPem).map(({ publicKeyPin }) => publicKeyPin)
  if (!pins.includes(statement.fleet)) throw invalid('it is of another fleet')
  requireDates(statement, certificate, now)
  if (denied?.has(certificate.publicKeyPin.slice('sha256:'.length)))
    throw invalid(`the key of ${statement.approver} was revoked`)
  const { publicKeyPin, sha256: fingerprint } = certificate
  return { ...statement, id: sha256Hex(signed.statement), publicKeyPin, fingerprint, signed }
}

function approverCertificate(
  { certificate: pem }: SignedApproval,
  { approver }: ApprovalStatement,
  caPem: string,
): CertificateView {
  const certificate = viewOf(pem)
  if (!isOfRoot(pem, caPem)) throw invalid('its certificate was not issued by the root of this fleet')
  const held = rolesIn(certificate.organizations)
  if (!held.includes('approver') || certificate.isCa)
    throw invalid(
      `the certificate of ${certificate.commonName} has the role ${held.join(', ') || 'of a node'}, not approver`,
    )
  if (held.length > 1) throw invalid(`the certificate of ${certificate.commonName} has other roles beside approver`)
  if (certificate.commonName !== approver || !isPersonName(approver))
    throw invalid(`it names ${approver}, its certificate ${certificate.commonName}`)
  return certificate
}

function viewOf(pem: string): CertificateView {
  try {
    return readCertificate(pem)
  } catch (cause) {
    throw invalid('it has no certificate', cause)
  }
}

function isSignature({ statement, signature, certificate }: SignedApproval): boolean {
  const { publicKey } = new X509Certificate(certificate)
  return (
    isSigningKey(publicKey) && verify('sha256', Buffer.from(statement), publicKey, Buffer.from(signature, 'base64'))
  )
}

/** Identities have keys of one kind: ECDSA P-256. */
export const isSigningKey = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean =>
  asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1'

/** A public key in PEM that an identity can be issued for; USAGE for any other text. */
export function signingKey(pem: string): string {
  try {
    const key = createPublicKey(pem)
    // A private key would be accepted too, and then it has been where it does not belong.
    if (isSigningKey(key) && !pem.includes('PRIVATE')) return key.export({ type: 'spki', format: 'pem' }).toString()
  } catch {
    // Refused below.
  }
  throw new QuorateError('USAGE', 'this is not a public key of the kind ECDSA P-256', {
    remedy:
      'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out identity.key; openssl pkey -in identity.key -pubout -out identity.pub',
  })
}

function requireDates(
  { approver, at, until }: ApprovalStatement,
  { notBefore, notAfter }: CertificateView,
  now: number,
) {
  const on = (time: number | Date) => new Date(time).toISOString()
  if (notAfter.getTime() <= now) throw invalid(`the certificate of ${approver} expired on ${on(notAfter)}`)
  if (at < notBefore.getTime() || at >= notAfter.getTime())
    throw invalid(`it was made outside of the time of ${approver}'s certificate`)
  if (at > now + aheadMs) throw invalid(`it is dated ${on(at)}, which has not come yet`)
  if (until <= at || until - at > mostApprovalHours * hour)
    throw invalid(`it is for longer than ${mostApprovalHours} hours, or for no time at all`)
  if (until <= now) throw invalid(`it expired on ${on(until)}`)
}
