import { QuorateError } from '@quorate/shared/errors'
import type { Encrypter } from 'age-encryption'
import { newAgeIdentity } from './age-identity.js'
import type { Sealing } from './sealing.js'

/** Loaded when something is sealed: most agents never do, and it would be a tenth of an idle agent's memory. */
const age = () => import('age-encryption')

/** Makes a fresh age identity. It is never stored: what is sealed to this agent cannot be opened after it ends. */
export async function createSealing(): Promise<Sealing> {
  const { identity, recipient } = newAgeIdentity()
  return {
    recipient,
    seal: async (plain, to) => (await encrypterFor(to)).encrypt(plain),
    open: async (ciphertext) => {
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
    },
    sealStream,
  }
}

async function encrypterFor(recipient: string): Promise<Encrypter> {
  const encrypter = new (await age()).Encrypter()
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
