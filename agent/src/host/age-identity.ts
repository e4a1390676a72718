import { generateKeyPairSync } from 'node:crypto'

/** A native X25519 identity of age as text (age-encryption.org/v1, section "The X25519 recipient type"). */
export interface AgeIdentity {
  /** `AGE-SECRET-KEY-1...`: never leaves this process. */
  readonly identity: string
  /** `age1...`, public. */
  readonly recipient: string
}

/**
 * Makes an identity with Node's own X25519. The age library can do it too, but in JavaScript integers: an idle agent would keep
 * that library and its curves in memory for a key that most agents never need.
 */
export function newAgeIdentity(): AgeIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  // The last 32 bytes of either DER form are the raw key (RFC 8410).
  const raw = (der: Buffer) => der.subarray(-32)
  const secret = raw(privateKey.export({ type: 'pkcs8', format: 'der' }))
  const identity = bech32('age-secret-key-', secret).toUpperCase()
  return { identity, recipient: bech32('age', raw(publicKey.export({ type: 'spki', format: 'der' }))) }
}

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]

/** Bech32 (BIP 173). */
function bech32(prefix: string, bytes: Uint8Array): string {
  const words = wordsOf(bytes)
  const expanded = [...prefix].map((letter) => letter.charCodeAt(0) >> 5)
  expanded.push(0, ...[...prefix].map((letter) => letter.charCodeAt(0) & 31))
  const sum = checksum([...expanded, ...words, 0, 0, 0, 0, 0, 0]) ^ 1
  const check = [25, 20, 15, 10, 5, 0].map((shift) => (sum >>> shift) & 31)
  return `${prefix}1${[...words, ...check].map((word) => alphabet[word]).join('')}`
}

/** Bytes as words of 5 bits, the last one padded with zeroes. */
function wordsOf(bytes: Uint8Array): number[] {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? []).map((word) => Number.parseInt(word.padEnd(5, '0'), 2))
}

function checksum(words: readonly number[]): number {
  return words.reduce((sum, word) => {
    const top = sum >>> 25
    const next = ((sum & 0x1ffffff) << 5) ^ word
    return generator.reduce((mixed, step, bit) => ((top >>> bit) & 1 ? mixed ^ step : mixed), next)
  }, 1)
}
