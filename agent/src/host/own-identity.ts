import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { isOfFleet } from '@quorate/shared/fleet-chain'
import { offeredText, vouchedText } from '@quorate/shared/identity-offer'
import { keyMatches, readCertificate } from '@quorate/shared/pki'
import type { Host } from './host.js'
import type { NodeIdentity } from './node-identity.js'

/** A key that was made here, and what shows that its private half is here too. */
export interface OfferedKey {
  readonly publicKeyPem: string
  /** Of the offer's text, by the offered key. */
  readonly signature: Uint8Array
  /** By the key of the present certificate, which may have ended. */
  readonly vouched: Uint8Array
  readonly certificatePem: string
}

interface Pair {
  readonly cert: string
  readonly key: string
}

/** A certificate that ends sooner than this is no renewal. */
const leastMs = 24 * 60 * 60_000

/**
 * This node's identity and its renewal. The files are replaced one after the other, the certificate last: in between, the new certificate lies in
 * node.crt.next, so that a power cut at any moment leaves a pair that belongs together.
 */
export class OwnIdentity implements NodeIdentity {
  readonly node: string
  readonly ca: string
  readonly #files: Host
  readonly #folder: string
  #pair: Pair
  #offered: string | undefined
  #renewed: (identity: NodeIdentity) => void = () => undefined

  /** `folder` holds node.crt and node.key; `identity` is what it holds now. */
  constructor(files: Host, folder: string, { node, ca, cert, key }: NodeIdentity) {
    this.#files = files
    this.#folder = folder
    this.node = node
    this.ca = ca
    this.#pair = { cert, key }
  }

  get cert(): string {
    return this.#pair.cert
  }

  get key(): string {
    return this.#pair.key
  }

  /** Calls back with each new identity, from when it is on the disk. */
  onRenewed(callback: (identity: NodeIdentity) => void): void {
    this.#renewed = callback
  }

  /** Makes a key for the next certificate, in memory only; one offered before is forgotten. */
  offer(): OfferedKey {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#offered = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const { cert: certificatePem, key } = this.#pair
    return {
      ...{ publicKeyPem, certificatePem },
      signature: sign('sha256', offeredText(this.node, publicKeyPem), privateKey),
      vouched: sign('sha256', vouchedText(this.node, publicKeyPem), createPrivateKey(key)),
    }
  }

  /** Takes a certificate for the offered key and uses it; the end of its validity. CERTIFICATE_INVALID for any other, and nothing is changed. */
  async renew(cert: string): Promise<Date> {
    const key = this.#offered
    if (key === undefined || !keyMatches(cert, key)) throw invalid('it is not for the key that this agent offered last')
    const { organizations, sans, notBefore, notAfter } = readCertificate(cert)
    const before = readCertificate(this.#pair.cert)
    const now = Date.now()
    if (!isOfFleet(cert, this.ca, now)) throw invalid('the fleet did not issue it')
    if (!organizations.includes('quorate:node')) throw invalid('it is not that of a node')
    if (!sameNames(sans, before.sans)) throw invalid(`it is for ${sans.join(', ')}, not for ${before.sans.join(', ')}`)
    if (notBefore.getTime() > now || notAfter.getTime() < now + leastMs)
      throw invalid(`it is valid from ${notBefore.toISOString()} to ${notAfter.toISOString()}`)
    await this.#write({ cert, key })
    this.#offered = undefined
    this.#pair = { cert, key }
    this.#renewed(this)
    return notAfter
  }

  async #write({ cert, key }: Pair): Promise<void> {
    const write = (name: string, text: string, mode: number) =>
      this.#files.replace(join(this.#folder, name), Buffer.from(text), { mode, exact: true })
    await write('node.crt.next', cert, 0o644)
    await write('node.key', key, 0o600)
    await write('node.crt', cert, 0o644)
    await this.#files.remove(join(this.#folder, 'node.crt.next'))
  }
}

/** The certificate that belongs to the key: node.crt, or node.crt.next where a renewal was cut off before its last write. */
export async function certificateOf(files: Host, folder: string, cert: string, key: string): Promise<string> {
  if (keyMatches(cert, key)) return cert
  const next = (await files.read(join(folder, 'node.crt.next')))?.bytes.toString('utf8') ?? ''
  if (next === '' || !keyMatches(next, key)) return cert
  await files.replace(join(folder, 'node.crt'), Buffer.from(next), { mode: 0o644 })
  return next
}

const sameNames = (some: readonly string[], others: readonly string[]): boolean =>
  [...some].sort().join('\n') === [...others].sort().join('\n')

const invalid = (why: string) => new QuorateError('CERTIFICATE_INVALID', `the new certificate is refused: ${why}`)
