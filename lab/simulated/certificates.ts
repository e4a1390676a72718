import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { isIPv4 } from 'node:net'
import { promisify } from 'node:util'
import {
  bits,
  boolean,
  explicit,
  implicit,
  integer,
  nothing,
  objectId,
  octets,
  sequence,
  set,
  time,
  utf8,
} from './der.js'

/** A certificate and its key, PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

export interface CertificateWish {
  readonly commonName: string
  readonly organizations?: readonly string[]
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  readonly usage: 'ca' | 'client' | 'server' | 'both'
  readonly notBefore?: Date
  readonly notAfter?: Date
}

const day = 24 * 3600 * 1000
const oid = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  rsaSha256: '1.2.840.113549.1.1.11',
  extensionRequest: '1.2.840.113549.1.9.14',
  ecdsaSha256: '1.2.840.10045.4.3.2',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
}

/** RSA-2048 as kubeadm makes it (encryptionAlgorithm RSA-2048). */
export async function newKey(): Promise<KeyObject> {
  return (await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })).privateKey
}

export const keyPem = (key: KeyObject): string => key.export({ type: 'pkcs1', format: 'pem' }).toString()
export const publicKeyPem = (key: KeyObject): string =>
  createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()

/** The discovery pin of kubeadm: `sha256:` and the hash of the certificate's public key. */
export function publicKeyPin(certPem: string): string {
  const spki = new X509Certificate(certPem).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`
}

/**
 * Signs a certificate for a key (a public one is enough: the result then has no key). Like kubeadm's: 64 bit serial, SHA-256, back-dated five minutes, one year (ten for a CA). Without
 * `issuer` it is self-signed. Keys are passed in, so that a cluster is made in a second.
 */
export function issue(wish: CertificateWish, key: KeyObject, issuer?: Identity): Identity {
  const signer = issuer === undefined ? key : createPrivateKey(issuer.key)
  const signerCert = issuer === undefined ? undefined : new X509Certificate(issuer.cert)
  const algorithm =
    signer.asymmetricKeyType === 'ec'
      ? sequence(objectId(oid.ecdsaSha256))
      : sequence(objectId(oid.rsaSha256), nothing())
  const serial = randomBytes(8)
  serial[0] = (serial[0] ?? 0) & 0x7f || 1
  const subject = name(wish)
  const from = wish.notBefore ?? new Date(Date.now() - 5 * 60_000)
  const to = wish.notAfter ?? new Date(Date.now() + (wish.usage === 'ca' ? 3650 : 365) * day)
  const spki = (key.type === 'public' ? key : createPublicKey(key)).export({ type: 'spki', format: 'der' })
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    signerCert === undefined ? subject : subjectOf(signerCert),
    sequence(time(from), time(to)),
    subject,
    spki,
    explicit(3, sequence(...extensions(wish, keyId(spki), signer))),
  )
  const der = sequence(toBeSigned, algorithm, bits(sign('sha256', toBeSigned, signer)))
  const body = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return { cert: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`, key: keyPemOf(key) }
}

/** A certificate signing request (PKCS#10) in Go's form: the names as a requested extension, no usages. */
export function certificateRequest(wish: CertificateWish, key: KeyObject): string {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const names = alternativeNames(wish)
  const asked = names === undefined ? [] : [sequence(objectId(oid.extensionRequest), set(sequence(names)))]
  const info = sequence(integer(Buffer.from([0])), name(wish), spki, explicit(0, ...asked))
  const der = sequence(info, sequence(objectId(oid.rsaSha256), nothing()), bits(sign('sha256', info, key)))
  const body = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return `-----BEGIN CERTIFICATE REQUEST-----\n${body}\n-----END CERTIFICATE REQUEST-----\n`
}

function keyPemOf(key: KeyObject): string {
  if (key.type === 'public') return ''
  return key.asymmetricKeyType === 'rsa' ? keyPem(key) : key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function name({ organizations = [], commonName }: CertificateWish): Buffer {
  const attribute = (id: string, value: string): Buffer => set(sequence(objectId(id), utf8(value)))
  return sequence(...organizations.map((o) => attribute(oid.organization, o)), attribute(oid.commonName, commonName))
}

/** The issuer's name must have the exact bytes of the signer's subject: taken from its certificate (tbsCertificate, field 6). */
function subjectOf(cert: X509Certificate): Buffer {
  let at = header(cert.raw, 0).body
  at = header(cert.raw, at).body
  for (let field = 0; field < 5; field++) at = header(cert.raw, at).end
  return cert.raw.subarray(at, header(cert.raw, at).end)
}

function header(der: Buffer, at: number): { body: number; end: number } {
  const first = der[at + 1] ?? 0
  if (first < 0x80) return { body: at + 2, end: at + 2 + first }
  const size = der.readUIntBE(at + 2, first & 0x7f)
  const body = at + 2 + (first & 0x7f)
  return { body, end: body + size }
}

const keyId = (spki: Uint8Array): Buffer => createHash('sha1').update(spki).digest()

function extensions(wish: CertificateWish, ownKeyId: Buffer, signer: KeyObject): Buffer[] {
  const isCa = wish.usage === 'ca'
  const signerKeyId = keyId(createPublicKey(signer).export({ type: 'spki', format: 'der' }))
  const uses = [
    ...(wish.usage === 'server' || wish.usage === 'both' ? [oid.serverAuth] : []),
    ...(wish.usage === 'client' || wish.usage === 'both' ? [oid.clientAuth] : []),
  ]
  const names = alternativeNames(wish)
  return [
    // digitalSignature, keyEncipherment; a CA also keyCertSign.
    extension(oid.keyUsage, isCa ? bits(Buffer.from([0xa4]), 2) : bits(Buffer.from([0xa0]), 5), true),
    ...(uses.length === 0 ? [] : [extension(oid.extendedKeyUsage, sequence(...uses.map(objectId)))]),
    extension(oid.basicConstraints, isCa ? sequence(boolean(true)) : sequence(), true),
    ...(isCa ? [extension(oid.subjectKeyId, octets(ownKeyId))] : []),
    ...(isCa ? [] : [extension(oid.authorityKeyId, sequence(implicit(0, signerKeyId)))]),
    ...(names === undefined ? [] : [names]),
  ]
}

const extension = (id: string, value: Buffer, critical = false): Buffer =>
  sequence(objectId(id), ...(critical ? [boolean(true)] : []), octets(value))

function alternativeNames(wish: CertificateWish): Buffer | undefined {
  const names = [
    ...(wish.usage === 'ca' ? [wish.commonName] : (wish.dnsNames ?? [])).map((dns) => implicit(2, Buffer.from(dns))),
    ...(wish.ipAddresses ?? []).map((ip) => implicit(7, ipBytes(ip))),
  ]
  return names.length === 0 ? undefined : extension(oid.subjectAltName, sequence(...names))
}

function ipBytes(ip: string): Buffer {
  if (isIPv4(ip)) return Buffer.from(ip.split('.').map(Number))
  const [before = '', after] = ip.split('::')
  const groups = (text = ''): number[] =>
    text.split(':').flatMap((group) => (group === '' ? [] : [Number.parseInt(group, 16)]))
  const [head, tail] = [groups(before), groups(after)]
  const all = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail]
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}
