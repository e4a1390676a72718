import { createPrivateKey, sign, verify, type X509Certificate } from 'node:crypto'
import { keyOf } from '@quorate/shared/deny-list'
import { QuorateError } from '@quorate/shared/errors'
import { certificatesIn, isOfFleet } from '@quorate/shared/fleet-chain'
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
  const certificate = firstIn(certificatePem)
  if (certificate === undefined) throw unproven(node, 'no certificate came with it')
  const now = Date.now()
  if (!isOfFleet(certificatePem, ca, now)) throw unproven(node, 'the fleet did not issue the certificate')
  const { organizations, sans, notBefore, notAfter } = readCertificate(certificate.toString())
  if (!organizations.includes('quorate:node')) throw unproven(node, 'the certificate is not that of a node')
  if (!sans.includes(node)) throw unproven(node, `the certificate is that of ${sans.join(', ')}`)
  if (now < notBefore.getTime() || now > notAfter.getTime()) throw unproven(node, 'the certificate is not valid now')
  if (denied.find(keyOf(certificate)) !== undefined) throw unproven(node, 'its key was revoked')
  if (!verify('sha256', signedText(subject, text), certificate.publicKey, signature))
    throw unproven(node, 'the signature is not that of its certificate')
}

const signedText = (subject: Subject, text: Uint8Array): Buffer => Buffer.concat([Buffer.from(`${subject}\n`), text])

function firstIn(pem: string): X509Certificate | undefined {
  try {
    return certificatesIn(pem)[0]
  } catch (cause) {
    throw new QuorateError('SEAL_UNPROVEN', 'the certificate that came with it cannot be read', { cause })
  }
}

const unproven = (node: string, why: string): QuorateError =>
  new QuorateError('SEAL_UNPROVEN', `nothing proves that it is from ${node}: ${why}`, { where: node })
