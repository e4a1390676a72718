import type { Session } from './session.js'

/** SHA-256 of every key that was revoked in this state folder. */
export async function revokedKeys({ revocations }: Session): Promise<ReadonlySet<string>> {
  return new Set((await revocations?.newest())?.denied.map(({ sha256 }) => sha256))
}
