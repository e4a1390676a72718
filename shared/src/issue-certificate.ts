import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { QuorateError } from './errors.js'
import { readCertificate } from './pki.js'
import { signCertificate } from './x509-der.js'

// Apart from pki.ts because node-forge comes with it: an agent that idles reads certificates, it issues none.

export interface KeyPair {
  readonly certPem: string
  readonly keyPem: string
}

export interface IssueInput {
  readonly ca: KeyPair
  readonly commonName: string
  readonly organizations: readonly string[]
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  readonly days: number
  readonly usage: 'client' | 'server' | 'both'
}

const day = 86_400_000
/** Clocks of nodes differ: a certificate made now must hold on a node that is behind. */
const backdated = (): Date => new Date(Date.now() - 3_600_000)

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const keyText = (key: ReturnType<typeof newKeys>['privateKey']): string =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString()

/** A new fleet CA, ECDSA P-256, for ten years; its name carries the fleet's id so that two are never confused. */
export function createFleetCa(fleetId: string): KeyPair {
  const { publicKey, privateKey } = newKeys()
  const keyPem = keyText(privateKey)
  const names = { commonName: `quorate fleet ${fleetId}`, organizations: [], dnsNames: [], ipAddresses: [] }
  const dates = { notBefore: backdated(), notAfter: new Date(Date.now() + 3650 * day) }
  return { certPem: signCertificate({ ...names, ...dates, isCa: true, usages: [] }, publicKey, { keyPem }), keyPem }
}

/** Days for which an issuer may issue. */
export const issuerDays = 90

/** A new issuer below a root of a fleet: what it issues comes with its certificate. It can make no issuers itself. */
export function createIssuer(root: KeyPair): KeyPair {
  const { publicKey, privateKey } = newKeys()
  const commonName = `${readCertificate(root.certPem).commonName} issuer`
  const names = { commonName, organizations: [], dnsNames: [], ipAddresses: [] }
  const dates = { notBefore: backdated(), notAfter: notLater(new Date(Date.now() + issuerDays * day), root) }
  const template = { ...names, ...dates, isCa: true, makesIssuers: false, usages: [] }
  return { certPem: signCertificate(template, publicKey, root), keyPem: keyText(privateKey) }
}

/** A certificate ends with its issuer's at the latest: longer it would hold nowhere. */
function notLater(date: Date, { certPem }: KeyPair): Date {
  const { notAfter } = readCertificate(certPem)
  return notAfter < date ? notAfter : date
}

/** A certificate with a new key (ECDSA P-256), signed by `ca`, which ends no later than `ca`. Negative `days` make one that has expired. */
export function issueCertificate(input: IssueInput): KeyPair {
  const { publicKey, privateKey } = newKeys()
  return { certPem: certify(input, publicKey), keyPem: keyText(privateKey) }
}

/** A certificate for a key whose private half is elsewhere; its PEM. */
export const certifyKey = (input: IssueInput, publicKeyPem: string): string =>
  certify(input, createPublicKey(publicKeyPem))

function certify(input: IssueInput, publicKey: KeyObject): string {
  const bad = input.ipAddresses.find((address) => isIP(address) === 0)
  if (bad !== undefined) throw new QuorateError('INVALID_REQUEST', `not an IP address: ${JSON.stringify(bad)}`)
  const notAfter = notLater(new Date(Date.now() + input.days * day), input.ca)
  const notBefore = input.days > 0 ? backdated() : new Date(notAfter.getTime() - day)
  const usages = input.usage === 'both' ? (['client', 'server'] as const) : [input.usage]
  return signCertificate({ ...input, notBefore, notAfter, isCa: false, usages }, publicKey, input.ca)
}

/**
 * Names that no machine has, 12 KiB of them: with these a certificate fills packets of any size, jumbo frames too, and a path that loses
 * large packets is met in the handshake, not by etcd's first snapshot.
 */
const ballast = Array.from({ length: 50 }, (_, index) => `${Array(4).fill('x'.repeat(60)).join('.')}.${index}`)

/** A self-signed certificate for a listener that lives for seconds, known by its hash (`sha256`, hex of the DER). */
export function throwAwayCertificate(): KeyPair & { readonly sha256: string } {
  const { publicKey, privateKey } = newKeys()
  const keyPem = keyText(privateKey)
  const names = { commonName: 'quorate probe', organizations: [], dnsNames: ['localhost', ...ballast], ipAddresses: [] }
  const dates = { notBefore: backdated(), notAfter: new Date(Date.now() + day) }
  const certPem = signCertificate({ ...names, ...dates, isCa: false, usages: ['server'] }, publicKey, { keyPem })
  return { certPem, keyPem, sha256: readCertificate(certPem).sha256 }
}
