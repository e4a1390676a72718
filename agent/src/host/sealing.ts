/** age (age-encryption.org/v1) with a key that exists only in this process. */
export interface Sealing {
  /** This agent's public recipient, `age1...`. */
  readonly recipient: string
  seal(plain: Uint8Array, recipient: string): Promise<Uint8Array>
  /** Opens what was sealed to this process; otherwise SECRET_NOT_FOR_US. */
  open(ciphertext: Uint8Array): Promise<Uint8Array>
  /** Encrypts a stream for a recipient (backups that leave the node). */
  sealStream(plain: AsyncIterable<Uint8Array>, recipient: string): AsyncIterable<Uint8Array>
}
