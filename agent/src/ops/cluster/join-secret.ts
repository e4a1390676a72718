import { QuorateError } from '@quorate/shared/errors'
import { joinSecretPath } from '@quorate/shared/names'
import { readCertificates } from '@quorate/shared/pki'
import type { Host } from '../../host/host.js'

/** What a joiner needs, and where it may take it. In tmpfs only, from PlaceJoinSecret until the join has ended. */
export interface JoinSecret {
  /** Bootstrap token, `id.secret`. */
  readonly token: string
  /** Hexadecimal key of the kubeadm-certs Secret, 32 bytes; empty for preflight only. */
  readonly certificateKey: string
  /** `host:port`, as the sealing control plane has it in kubeadm-config: the token is sent nowhere else. */
  readonly endpoint: string
  /** PEM of the cluster's CA on the disk of the control plane that sealed it. */
  readonly caPem: string
}

/** The public id of the token. */
export const tokenIdOf = (secret: JoinSecret): string => secret.token.slice(0, 6)

/** Pins of the cluster's CA, as kubeadm writes them; several while a CA is replaced. */
export const caPinsOf = ({ caPem }: JoinSecret): string[] =>
  readCertificates(caPem).map(({ publicKeyPin }) => publicKeyPin)

/** SECRET_NOT_FOR_US for another endpoint: only the node that sealed the secret says where it goes. */
export function requireEndpoint(secret: JoinSecret, endpoint: string): void {
  if (secret.endpoint !== endpoint) throw notThere(`the endpoint ${secret.endpoint}, not ${endpoint}`)
}

/** The same for a cluster with another CA. */
export function requireCaPin(secret: JoinSecret, pin: string): void {
  if (!caPinsOf(secret).includes(pin))
    throw notThere(`a cluster with the CA ${caPinsOf(secret).join(', ')}, not ${pin}`)
}

const notThere = (what: string): QuorateError =>
  new QuorateError('SECRET_NOT_FOR_US', `the join secret is for ${what}`, {
    remedy: 'The endpoint or the CA is not that of the control plane that sealed the secret. Plan again.',
  })

/** Reads a join secret; an error message never quotes the text. */
export function parseJoinSecret(plain: Uint8Array | string): JoinSecret {
  const text = typeof plain === 'string' ? plain : Buffer.from(plain).toString('utf8')
  let value: { readonly [Key in keyof JoinSecret]?: unknown } | null = null
  try {
    value = JSON.parse(text)
  } catch {
    // falls through: the parser's own message would quote the secret
  }
  const { token, certificateKey, endpoint, caPem } = value ?? {}
  if (!isText(token, /^[a-z0-9]{6}\.[a-z0-9]{16}$/)) throw without('a bootstrap token')
  if (!isText(certificateKey, /^([0-9a-f]{64})?$/)) throw without('a certificate key of 32 bytes in hexadecimal')
  if (!isText(endpoint, /^[A-Za-z0-9.:[\]-]+:\d{1,5}$/)) throw without('an endpoint')
  if (!isText(caPem, /^-----BEGIN CERTIFICATE-----/m)) throw without('the CA of its cluster')
  return { token, certificateKey, endpoint, caPem }
}

const isText = (value: unknown, form: RegExp): value is string => typeof value === 'string' && form.test(value)

const without = (what: string): QuorateError =>
  new QuorateError('INVALID_REQUEST', `the join secret does not hold ${what}`)

/** The join secret on this node, or undefined if there is none. */
export async function readJoinSecret(host: Host): Promise<JoinSecret | undefined> {
  const file = await host.read(joinSecretPath)
  return file === undefined ? undefined : parseJoinSecret(file.bytes)
}

/** Public id of the token in the join secret on this node; empty if there is none, or none that can be read. */
export async function placedTokenId(host: Host): Promise<string> {
  const secret = await readJoinSecret(host).catch(() => undefined)
  return secret === undefined ? '' : tokenIdOf(secret)
}

/** Stores the secret for the join; 0600 in tmpfs. */
export async function placeJoinSecret(host: Host, plain: JoinSecret): Promise<void> {
  const { token, certificateKey, endpoint, caPem } = plain
  const text = JSON.stringify({ token, certificateKey, endpoint, caPem })
  await host.replace(joinSecretPath, Buffer.from(text), { mode: 0o600 })
}

/** No error if there is none. */
export async function removeJoinSecret(host: Host): Promise<void> {
  await host.remove(joinSecretPath)
}
