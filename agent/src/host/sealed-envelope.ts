import { QuorateError } from '@quorate/shared/errors'
import type { SealedAbout } from './sealing.js'

/** What the sender signs about a secret, beside the secret itself. */
export interface Claims extends SealedAbout {
  readonly sender: string
  /** The node that it is for, and the key that it was sealed to. */
  readonly recipient: string
  readonly key: string
}

interface Envelope {
  readonly claims: Claims
  /** The text of the claims and the secret, as signed. */
  readonly signed: Uint8Array
  readonly certificatePem: string
  readonly signature: Uint8Array
  readonly secret: Uint8Array
}

const newline = Buffer.from('\n')
const fields = ['sender', 'recipient', 'key', 'runId', 'purpose'] as const

/** The bytes that are signed: one line of claims, then the secret. */
export const signedBytes = (claims: Claims, secret: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(JSON.stringify(claims)), newline, secret])

/** The envelope as it is sealed: a line with the proof, then what was signed. */
export function writeEnvelope(proof: Pick<Envelope, 'certificatePem' | 'signature'>, signed: Uint8Array): Buffer {
  const { certificatePem, signature } = proof
  const line = JSON.stringify({ certificatePem, signature: Buffer.from(signature).toString('base64') })
  return Buffer.concat([Buffer.from(line), newline, signed])
}

/** Reads an envelope without believing it; SEAL_UNPROVEN for what is none, as earlier agents sealed it. */
export function readEnvelope(plain: Uint8Array): Envelope {
  const [proof, signed] = firstLine(plain)
  const [claims, secret] = firstLine(signed)
  const { certificatePem, signature } = proof
  if (typeof certificatePem !== 'string' || typeof signature !== 'string') throw none()
  if (fields.some((field) => typeof claims[field] !== 'string')) throw none()
  return {
    claims: claims as unknown as Claims,
    signed,
    certificatePem,
    signature: Buffer.from(signature, 'base64'),
    secret,
  }
}

function firstLine(bytes: Uint8Array): [Record<string, unknown>, Uint8Array] {
  const end = bytes.indexOf(10)
  if (end < 0) throw none()
  try {
    const line: unknown = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString('utf8'))
    if (typeof line === 'object' && line !== null) return [line as Record<string, unknown>, bytes.subarray(end + 1)]
  } catch {
    // falls through: the parser's message would quote the secret
  }
  throw none()
}

const none = (): QuorateError =>
  new QuorateError('SEAL_UNPROVEN', 'a sealed secret does not name the node that sealed it')
