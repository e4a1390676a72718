import { QuorateError } from '@quorate/shared/errors'
import { joinSecretPath } from '@quorate/shared/names'
import type { Host } from '../host/host.js'

/** What a joiner needs besides public data. In tmpfs only, from PlaceJoinSecret until the join has ended. */
export interface JoinSecret {
  /** Bootstrap token, `id.secret`. */
  readonly token: string
  /** Hexadecimal key of the kubeadm-certs Secret, 32 bytes; empty for preflight only. */
  readonly certificateKey: string
}

/** The public id of the token. */
export const tokenIdOf = (secret: JoinSecret): string => secret.token.slice(0, 6)

/** Reads `{token, certificateKey}`; an error message never quotes the text. */
export function parseJoinSecret(plain: Uint8Array | string): JoinSecret {
  const text = typeof plain === 'string' ? plain : Buffer.from(plain).toString('utf8')
  let value: { token?: unknown; certificateKey?: unknown } | null = null
  try {
    value = JSON.parse(text)
  } catch {
    // falls through: the parser's own message would quote the secret
  }
  const { token, certificateKey } = value ?? {}
  if (typeof token !== 'string' || !/^[a-z0-9]{6}\.[a-z0-9]{16}$/.test(token)) {
    throw new QuorateError('INVALID_REQUEST', 'the join secret does not hold a bootstrap token')
  }
  if (typeof certificateKey !== 'string' || !/^([0-9a-f]{64})?$/.test(certificateKey)) {
    throw new QuorateError(
      'INVALID_REQUEST',
      'the join secret does not hold a certificate key of 32 bytes in hexadecimal',
    )
  }
  return { token, certificateKey }
}

/** The join secret on this node, or undefined if there is none. */
export async function readJoinSecret(host: Host): Promise<JoinSecret | undefined> {
  const file = await host.read(joinSecretPath)
  return file === undefined ? undefined : parseJoinSecret(file.bytes)
}

/** Stores the secret for the join; 0600 in tmpfs. */
export async function placeJoinSecret(host: Host, plain: JoinSecret): Promise<void> {
  const { token, certificateKey } = plain
  await host.replace(joinSecretPath, Buffer.from(JSON.stringify({ token, certificateKey })), { mode: 0o600 })
}

/** No error if there is none. */
export async function removeJoinSecret(host: Host): Promise<void> {
  await host.remove(joinSecretPath)
}
