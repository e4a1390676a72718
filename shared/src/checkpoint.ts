import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { QuorateError } from './errors.js'
import type { Tree } from './merkle.js'

/**
 * A signed statement of how long a log is and what is in it: C2SP `tlog-checkpoint` in a C2SP `signed-note` with an Ed25519 signature, as
 * golang.org/x/mod/sumdb/note reads and writes it. The key's name is the log's origin.
 */
export interface Checkpoint extends Tree {
  /** Name of the log, without spaces and `+`. */
  readonly origin: string
}

/** Far above a checkpoint with one signature. */
const largestBytes = 4096

const ed25519 = 1
const signatureMark = '— '

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })
/** The 32 bytes of an Ed25519 public key end its SubjectPublicKeyInfo (RFC 8410). */
const rawKey = (key: KeyObject): Buffer => spki(key).subarray(-32)
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex')

const keyHash = (origin: string, raw: Buffer): Buffer =>
  createHash('sha256')
    .update(`${origin}\n`)
    .update(Buffer.concat([Buffer.of(ed25519), raw]))
    .digest()
    .subarray(0, 4)

/** What verifies a log's checkpoints: NAME+HASH+KEY, as Go's `note.NewVerifier` takes it. */
export function verifierOf(origin: string, privateKeyPem: string): string {
  const raw = rawKey(createPublicKey(createPrivateKey(privateKeyPem)))
  const key = Buffer.concat([Buffer.of(ed25519), raw]).toString('base64')
  return `${origin}+${keyHash(origin, raw).toString('hex')}+${key}`
}

/** Signs a checkpoint with the log's private Ed25519 key in PEM. */
export function signCheckpoint({ origin, size, root }: Checkpoint, privateKeyPem: string): string {
  const key = createPrivateKey(privateKeyPem)
  const text = `${origin}\n${size}\n${root.toString('base64')}\n`
  const signature = sign(null, Buffer.from(text), key)
  const blob = Buffer.concat([keyHash(origin, rawKey(createPublicKey(key))), signature])
  return `${text}\n${signatureMark}${origin} ${blob.toString('base64')}\n`
}

/** Reads a signed checkpoint; CHECKPOINT_REFUSED where it is none or the verifier's key did not sign it. */
export function openCheckpoint(note: string, verifier: string): Checkpoint {
  const { origin, key } = readVerifier(verifier)
  const [text = '', signatures, ...more] = note.length > largestBytes ? [] : note.split('\n\n')
  if (signatures === undefined || more.length > 0) throw refused('it is no signed note')
  const body = `${text}\n`
  const ours = signatures.split('\n').find((line) => line.startsWith(`${signatureMark}${origin} `))
  const blob = Buffer.from(ours?.slice(signatureMark.length + origin.length + 1) ?? '', 'base64')
  const isOurs = blob.subarray(0, 4).equals(keyHash(origin, rawKey(key)))
  if (!isOurs || !verify(null, Buffer.from(body), key, blob.subarray(4)))
    throw refused(`it carries no valid signature of ${origin}`)
  const [named, size = '', root = '', ...extensions] = text.split('\n')
  const hash = Buffer.from(root, 'base64')
  if (named !== origin || !/^(0|[1-9]\d{0,14})$/.test(size) || hash.length !== 32 || extensions.length > 0)
    throw refused('its lines are not origin, size and root')
  return { origin, size: Number(size), root: hash }
}

function readVerifier(verifier: string): { origin: string; key: KeyObject } {
  const [origin = '', hash = '', encoded = '', ...more] = verifier.split('+')
  const raw = Buffer.from([encoded, ...more].join('+'), 'base64')
  const isOne = raw.length === 33 && raw[0] === ed25519 && keyHash(origin, raw.subarray(1)).toString('hex') === hash
  if (!isOne || !/^[\x21-\x7e]{1,200}$/.test(origin)) throw refused('its key is no Ed25519 key of a note')
  const der = Buffer.concat([spkiHead, raw.subarray(1)])
  return { origin, key: createPublicKey({ key: der, format: 'der', type: 'spki' }) }
}

const refused = (why: string) => new QuorateError('CHECKPOINT_REFUSED', `the checkpoint is refused: ${why}`)
