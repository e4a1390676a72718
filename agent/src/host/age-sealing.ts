import { QuorateError } from '@quorate/shared/errors'
import type { SealingRecipient } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { Encrypter } from 'age-encryption'
import { newAgeIdentity } from './age-identity.js'
import type { DeniedKeys } from './deny-list.js'
import { type NodeIdentity, type NodeProof, prove, requireProof } from './node-identity.js'
import { type Claims, readEnvelope, signedBytes, writeEnvelope } from './sealed-envelope.js'
import type { SealedAbout, Sealing } from './sealing.js'

/** Loaded when something is sealed: most agents never do, and it would be a tenth of an idle agent's memory. */
const age = () => import('age-encryption')

const ofKey = 'quorate sealing key v1'
const ofSecret = 'quorate sealed secret v1'

/** Makes a fresh age identity. It is never stored: what is sealed to this agent cannot be opened after it ends. */
export async function createSealing(self: NodeIdentity, denied: DeniedKeys): Promise<Sealing> {
  const { identity, recipient } = newAgeIdentity()
  const own = { node: self.node, recipient }
  const requireProven = (to: SealingRecipient): void => requireOwner(to, { ca: self.ca, denied })
  return {
    recipient,
    ownKey: () => ({ recipient, ...asBytes(prove(self, ofKey, keyText(own))) }),
    requireProven,
    seal: async (plain, to, about) => {
      requireProven(to)
      const signed = signedBytes({ sender: self.node, recipient: to.node, key: to.recipient, ...about }, plain)
      return (await encrypterFor(to.recipient)).encrypt(writeEnvelope(prove(self, ofSecret, signed), signed))
    },
    open: async (ciphertext, about) => {
      const envelope = readEnvelope(await decrypt(ciphertext, identity))
      const { sender: node } = envelope.claims
      requireProof(envelope, { node, ca: self.ca, denied, subject: ofSecret, text: envelope.signed })
      requireMeant(envelope.claims, { ...about, recipient: self.node, key: recipient })
      return envelope.secret
    },
    sealStream,
  }
}

const keyText = ({ node, recipient }: Pick<SealingRecipient, 'node' | 'recipient'>): Buffer =>
  Buffer.from(`${node}\n${recipient}`)

const asBytes = ({ certificatePem, signature }: NodeProof) => ({
  certificatePem,
  signature: Buffer.from(signature),
})

function requireOwner(to: SealingRecipient, trust: { readonly ca: string; readonly denied: DeniedKeys }): void {
  if (to.signature.length === 0)
    throw new QuorateError('SEAL_UNPROVEN', `nothing proves that the sealing key of ${to.node} is its own`, {
      where: to.node,
    })
  requireProof(to, { node: to.node, ...trust, subject: ofKey, text: keyText(to) })
}

/** A secret that is proven may still be a replay: of another run, for another node or another purpose. */
function requireMeant(claims: Claims, meant: SealedAbout & Pick<Claims, 'recipient' | 'key'>): void {
  for (const name of ['recipient', 'key', 'runId', 'purpose'] as const) {
    if (claims[name] === meant[name]) continue
    throw new QuorateError(
      'SECRET_NOT_FOR_US',
      `${claims.sender} sealed this secret for ${name} ${JSON.stringify(claims[name])}, not ${JSON.stringify(meant[name])}`,
    )
  }
}

async function decrypt(ciphertext: Uint8Array, identity: string): Promise<Uint8Array> {
  const { Decrypter } = await age()
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  return decrypter.decrypt(ciphertext).catch(() => {
    // The library's message is dropped: it is about other nodes' secrets, and the one likely cause is named.
    throw new QuorateError(
      'SECRET_NOT_FOR_US',
      'a sealed secret could not be opened with the key of this agent process',
    )
  })
}

/** Encrypts for each of these; INVALID_REQUEST for one that is no age recipient. */
export async function encrypterFor(...recipients: readonly string[]): Promise<Encrypter> {
  const encrypter = new (await age()).Encrypter()
  for (const recipient of recipients)
    try {
      encrypter.addRecipient(recipient)
    } catch (cause) {
      throw new QuorateError('INVALID_REQUEST', `not an age recipient: ${JSON.stringify(recipient)}`, { cause })
    }
  return encrypter
}

async function* sealStream(plain: AsyncIterable<Uint8Array>, recipient: string): AsyncIterable<Uint8Array> {
  const encrypter = await encrypterFor(recipient)
  yield* await encrypter.encrypt(ReadableStream.from(plain))
}
