import { createPrivateKey, sign, verify, X509Certificate } from 'node:crypto'
import { keyOf } from '@quorate/shared/deny-list'
import { QuorateError } from '@quorate/shared/errors'
import type { MutualTlsIdentity } from '@quorate/shared/mtls'
import { readCertificate } from '@quorate/shared/pki'
import type { DeniedKeys } from './deny-list.js'

/** This node's certificate of the fleet, and its name in it. */
export interface NodeIdentity extends MutualTlsIdentity {
  readonly node: string
}

/** What shows that a node said something: its certificate (with intermediates, if any) and its signature. */
export interface NodeProof {
  readonly certificatePem: string
  readonly signature: Uint8Array
}

/** What the signature is for: a signature for one thing proves nothing about another, nor does one of TLS. */
type Subject = 'quorate sealing key v1' | 'quorate sealed secret v1'

/** A fleet has a CA and at most an issuer below it. */
const mostIssuers = 3

/** Signs with the key of this node's certificate. */
export function prove({ cert, key }: NodeIdentity, subject: Subject, text: Uint8Array): NodeProof {
  return { certificatePem: cert, signature: sign('sha256', signedText(subject, text), createPrivateKey(key)) }
}

/** What a proof is to show. */
interface Claim {
  readonly node: string
  readonly ca: string
  readonly denied: DeniedKeys
  readonly subject: Subject
  readonly text: Uint8Array
}

/** SEAL_UNPROVEN unless `node` itself signed the text: its certificate is one of a node of this fleet, for that name, valid now and not revoked. */
export function requireProof(
  { certificatePem, signature }: NodeProof,
  { node, ca, denied, subject, text }: Claim,
): void {
  const [certificate, ...between] = certificatesIn(certificatePem)
  if (certificate === undefined) throw unproven(node, 'no certificate came with it')
  if (!isIssued(certificate, between, certificatesIn(ca)))
    throw unproven(node, 'the fleet did not issue the certificate')
  const { organizations, sans, notBefore, notAfter } = readCertificate(certificate.toString())
  if (!organizations.includes('quorate:node')) throw unproven(node, 'the certificate is not that of a node')
  if (!sans.includes(node)) throw unproven(node, `the certificate is that of ${sans.join(', ')}`)
  const now = Date.now()
  if (now < notBefore.getTime() || now > notAfter.getTime()) throw unproven(node, 'the certificate is not valid now')
  if (denied.find(keyOf(certificate)) !== undefined) throw unproven(node, 'its key was revoked')
  if (!verify('sha256', signedText(subject, text), certificate.publicKey, signature))
    throw unproven(node, 'the signature is not that of its certificate')
}

const signedText = (subject: Subject, text: Uint8Array): Buffer => Buffer.concat([Buffer.from(`${subject}\n`), text])

/** Whether the fleet issued a certificate, by way of issuers that come with it, if any. */
export function isOfFleet(certificatePem: string, ca: string): boolean {
  const [certificate, ...between] = certificatesIn(certificatePem)
  return certificate !== undefined && isIssued(certificate, between, certificatesIn(ca))
}

function isIssued(
  leaf: X509Certificate,
  between: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): boolean {
  let current = leaf
  for (let issuers = 0; issuers < mostIssuers; issuers++) {
    if (roots.some((root) => issued(root, current))) return true
    const issuer = between.find((one) => one !== current && issued(one, current))
    if (issuer === undefined) return false
    current = issuer
  }
  return false
}

const issued = (issuer: X509Certificate, certificate: X509Certificate): boolean =>
  issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch (cause) {
    throw new QuorateError('SEAL_UNPROVEN', 'the certificate that came with it cannot be read', { cause })
  }
}

const unproven = (node: string, why: string): QuorateError =>
  new QuorateError('SEAL_UNPROVEN', `nothing proves that it is from ${node}: ${why}`, { where: node })
