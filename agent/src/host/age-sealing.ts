import { QuorateError } from '@quorate/shared/errors'
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import type { Sealing } from './sealing.js'

/** Makes a fresh age identity. It is never written anywhere: what is sealed to this agent cannot be opened after it ends. */
export async function createSealing(): Promise<Sealing> {
  const identity = await generateX25519Identity()
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  return {
    recipient: await identityToRecipient(identity),
    seal: async (plain, recipient) => encrypterFor(recipient).encrypt(plain),
    open: (ciphertext) =>
      decrypter.decrypt(ciphertext).catch(() => {
        // The library's words are dropped: this is about other nodes' secrets, and the one cause that a person meets is named.
        throw new QuorateError(
          'SECRET_NOT_FOR_US',
          'a sealed secret could not be opened with the key of this agent process',
        )
      }),
    sealStream: (plain, recipient) => sealStream(plain, recipient),
  }
}

function encrypterFor(recipient: string): Encrypter {
  const encrypter = new Encrypter()
  try {
    encrypter.addRecipient(recipient)
  } catch (cause) {
    throw new QuorateError('INVALID_REQUEST', `not an age recipient: ${JSON.stringify(recipient)}`, { cause })
  }
  return encrypter
}

async function* sealStream(plain: AsyncIterable<Uint8Array>, recipient: string): AsyncIterable<Uint8Array> {
  yield* await encrypterFor(recipient).encrypt(ReadableStream.from(plain))
}
