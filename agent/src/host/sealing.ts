import type { SealingRecipient } from '@quorate/shared/gen/quorate/v1/node_agent'

/** What a secret is sealed for: it opens for this purpose of this run only. */
export interface SealedAbout {
  readonly purpose: 'join-token' | 'join-secret' | 'shared-files'
  readonly runId: string
}

/**
 * age (age-encryption.org/v1) with a key that exists only in this process. Both sides of a sealed secret are proved by certificates of nodes:
 * its carrier can neither name a recipient nor be the sender.
 */
export interface Sealing {
  /** This agent's public recipient, `age1...`. */
  readonly recipient: string
  /** The recipient with the proof that it is this node's. */
  ownKey(): Omit<SealingRecipient, 'node'>
  /** SEAL_UNPROVEN unless the node itself has signed the recipient. */
  requireProven(to: SealingRecipient): void
  /** Seals for a recipient that is proven; names sender, recipient, run and purpose inside. */
  seal(plain: Uint8Array, to: SealingRecipient, about: SealedAbout): Promise<Uint8Array>
  /** Opens what a node of the fleet sealed to this process for this purpose: otherwise SECRET_NOT_FOR_US or SEAL_UNPROVEN. */
  open(ciphertext: Uint8Array, about: SealedAbout): Promise<Uint8Array>
  /** Encrypts a stream for a recipient (backups that leave the node). */
  sealStream(plain: AsyncIterable<Uint8Array>, recipient: string): AsyncIterable<Uint8Array>
}
