import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { certificatesIn, isOfFleet } from '@quorate/shared/fleet-chain'
import { offeredText, vouchedText } from '@quorate/shared/identity-offer'
import { keyMatches, readCertificate } from '@quorate/shared/pki'
import { openTrustBundle, trustBundleRefused, trustNumber, trustText } from '@quorate/shared/trust-bundle'
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

/** `gaveUpRoot`: a root that was trusted before is not any more. */
type Renewed = (identity: NodeIdentity, change: { readonly gaveUpRoot: boolean }) => void

/** What must hold under other roots before they count. */
export interface TrustConditions {
  /** PEM: with what the caller comes from then on. */
  readonly caller: string
  /** Throws what would no longer hold. */
  requireUnder(roots: string): void
}

/**
 * This node's identity, its renewal, and the roots that it trusts. The files are replaced one after the other, the certificate last: in between, the new certificate lies in
 * node.crt.next, so that a power cut at any moment leaves a pair that belongs together.
 */
export class OwnIdentity implements NodeIdentity {
  readonly node: string
  readonly #files: Host
  readonly #folder: string
  #pair: Pair
  #ca: string
  #offered: string | undefined
  #renewed: Renewed = () => undefined
  /** Each is checked against what the one before it left. */
  #last: Promise<unknown> = Promise.resolve()

  /** `folder` holds node.crt and node.key; `identity` is what it holds now. */
  constructor(files: Host, folder: string, { node, ca, cert, key }: NodeIdentity) {
    this.#files = files
    this.#folder = folder
    this.node = node
    this.#ca = ca
    this.#pair = { cert, key }
  }

  get ca(): string {
    return this.#ca
  }

  get cert(): string {
    return this.#pair.cert
  }

  get key(): string {
    return this.#pair.key
  }

  /** Calls back with each new identity, and when other roots are trusted, from when it is on the disk. */
  onRenewed(callback: Renewed): void {
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
  renew(cert: string): Promise<Date> {
    return this.#afterLast(() => this.#renew(cert))
  }

  async #renew(cert: string): Promise<Date> {
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
    this.#renewed(this, { gaveUpRoot: false })
    return notAfter
  }

  /** Number of the bundle of roots that is trusted; 0 for those of the enrolment. */
  get trustNumber(): number {
    return trustNumber(this.#ca)
  }

  /**
   * Trusts the roots of a newer bundle from now on; the same one again changes nothing. TRUST_BUNDLE_REFUSED, and nothing is changed, for an older
   * one, or where this node or its caller would be shut out: other roots are proved before those of today are given up.
   */
  trust(document: string, conditions: TrustConditions): Promise<void> {
    return this.#afterLast(() => this.#trust(document, conditions))
  }

  async #trust(document: string, { caller, requireUnder }: TrustConditions): Promise<void> {
    const now = Date.now()
    const bundle = openTrustBundle(document, this.#ca, now)
    const text = trustText(bundle)
    if (bundle.number < this.trustNumber)
      throw trustBundleRefused(
        `number ${bundle.number} is older than ${this.trustNumber}, which this node has`,
        'Nothing was changed on that node. The state folder is older than what the node trusts, as after a restore from a backup: use the newest copy of the state folder.',
      )
    if (bundle.number === this.trustNumber) {
      if (text === this.#ca) return
      throw trustBundleRefused(`this node has other roots with the number ${bundle.number}`)
    }
    if (!isOfFleet(this.#pair.cert, bundle.roots, now))
      throw trustBundleRefused("this node's own certificate is of none of them")
    if (!isOfFleet(caller, bundle.roots, now)) throw trustBundleRefused("the caller's certificate is of none of them")
    requireUnder(bundle.roots)
    await this.#files.replace(join(this.#folder, 'fleet-ca.crt'), Buffer.from(text), { mode: 0o644, exact: true })
    const gaveUpRoot = certificatesIn(this.#ca).some((root) => !bundle.roots.includes(root.toString()))
    this.#ca = text
    this.#renewed(this, { gaveUpRoot })
  }

  #afterLast<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined)
    return done
  }

  async #write({ cert, key }: Pair): Promise<void> {
    const write = (name: string, text: string, mode: number) =>
      this.#files.replace(join(this.#folder, name), Buffer.from(text), { mode, exact: true })
    await this.#finishCutOff()
    await write('node.crt.next', cert, 0o644)
    await write('node.key', key, 0o600)
    await write('node.crt', cert, 0o644)
    await this.#files.remove(join(this.#folder, 'node.crt.next'))
  }

  /** Where a renewal failed before its last write, the certificate of the present key lies where that of the next key will be put. */
  async #finishCutOff(): Promise<void> {
    const [cert, key] = await Promise.all(
      ['node.crt', 'node.key'].map((name) => this.#files.read(join(this.#folder, name))),
    )
    if (cert !== undefined && key !== undefined)
      await certificateOf(this.#files, this.#folder, cert.bytes.toString('utf8'), key.bytes.toString('utf8'))
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
