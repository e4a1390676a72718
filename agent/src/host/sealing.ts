/** age (age-encryption.org/v1) with a key that lives in this process only. */
export interface Sealing {
  /** This agent's public recipient, `age1...`. */
  readonly recipient: string
  seal(plain: Uint8Array, recipient: string): Promise<Uint8Array>
  /** Opens what was sealed to this process; SECRET_NOT_FOR_US otherwise. */
  open(ciphertext: Uint8Array): Promise<Uint8Array>
  /** Encrypts a stream for a recipient (backups that leave the node). */
  sealStream(plain: AsyncIterable<Uint8Array>, recipient: string): AsyncIterable<Uint8Array>
}
