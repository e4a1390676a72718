import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import forge from 'node-forge'

const { asn1 } = forge
type Asn1 = forge.asn1.Asn1

/** What a certificate to be issued says. */
export interface CertificateTemplate {
  readonly commonName: string
  readonly organizations: readonly string[]
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
  readonly isCa: boolean
  /** Of a CA: whether it may issue CAs; unset: it may. */
  readonly makesIssuers?: boolean
  readonly usages: readonly ('client' | 'server')[]
}

/** Who signs: an own key for a self-signed certificate, else the CA's certificate too. */
export interface CertificateSigner {
  readonly keyPem: string
  readonly certPem?: string
}

const oid = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  rsaWithSha256: '1.2.840.113549.1.1.11',
} as const

const universal = asn1.Class.UNIVERSAL
const context = asn1.Class.CONTEXT_SPECIFIC
const leaf = (type: forge.asn1.Type, bytes: string): Asn1 => asn1.create(universal, type, false, bytes)
const sequence = (...parts: readonly Asn1[]): Asn1 => asn1.create(universal, asn1.Type.SEQUENCE, true, [...parts])
const identifier = (id: string): Asn1 => leaf(asn1.Type.OID, asn1.oidToDer(id).getBytes())
const octets = (bytes: string): Asn1 => leaf(asn1.Type.OCTETSTRING, bytes)
const bits = (bytes: string): Asn1 => leaf(asn1.Type.BITSTRING, `\0${bytes}`)
const encode = (value: Asn1): string => asn1.toDer(value).getBytes()
const decode = (der: Uint8Array): Asn1 => asn1.fromDer(Buffer.from(der).toString('binary'))
const children = (value: Asn1 | undefined): readonly Asn1[] => (Array.isArray(value?.value) ? value.value : [])

function attribute(id: string, text: string): Asn1 {
  const value = leaf(asn1.Type.UTF8, forge.util.encodeUtf8(text))
  return asn1.create(universal, asn1.Type.SET, true, [sequence(identifier(id), value)])
}

function name({ commonName, organizations }: CertificateTemplate): Asn1 {
  return sequence(
    ...organizations.map((text) => attribute(oid.organization, text)),
    attribute(oid.commonName, commonName),
  )
}

/** RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from then on. */
function time(date: Date): Asn1 {
  return date.getUTCFullYear() < 2050
    ? leaf(asn1.Type.UTCTIME, asn1.dateToUtcTime(date) as unknown as string)
    : leaf(asn1.Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date) as unknown as string)
}

function extension(id: string, value: Asn1, critical = false): Asn1 {
  const flag = critical ? [leaf(asn1.Type.BOOLEAN, '\xff')] : []
  return sequence(identifier(id), ...flag, octets(encode(value)))
}

const spkiOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })

/** RFC 5280 4.2.1.2, method 1: SHA-1 of the public key's bits. */
function keyIdentifier(spki: Uint8Array): string {
  const key = children(decode(spki))[1]?.value
  return createHash('sha1')
    .update(Buffer.from(String(key).slice(1), 'binary'))
    .digest('binary')
}

/** 4 or 16 bytes; an IPv6 address may be shortened and may end in dotted form. */
function addressBytes(address: string): string {
  if (!address.includes(':')) return String.fromCharCode(...address.split('.').map(Number))
  const hex = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = hex.split('::')
  const [left, right] = [head, tail ?? ''].map((half) => (half === '' ? [] : half.split(':'))) as [string[], string[]]
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return groups.map((group) => Buffer.from(group.padStart(4, '0'), 'hex').toString('binary')).join('')
}

function alternativeNames({ dnsNames, ipAddresses }: CertificateTemplate): Asn1 {
  return sequence(
    ...dnsNames.map((text) => asn1.create(context, 2 as forge.asn1.Type, false, text)),
    ...ipAddresses.map((text) => asn1.create(context, 7 as forge.asn1.Type, false, addressBytes(text))),
  )
}

/** Named bits of KeyUsage with the count of unused ones before them: digitalSignature, or keyCertSign and cRLSign. */
const keyUsage = (isCa: boolean): Asn1 => leaf(asn1.Type.BITSTRING, isCa ? '\x01\x06' : '\x07\x80')

function extensions(template: CertificateTemplate, own: string, authority: string | undefined): Asn1 {
  const { isCa, makesIssuers = true, usages, dnsNames, ipAddresses } = template
  // RFC 5280 4.2.1.9: pathLenConstraint 0, no CA below it.
  const length = makesIssuers ? [] : [leaf(asn1.Type.INTEGER, '\0')]
  const constraints = isCa ? sequence(leaf(asn1.Type.BOOLEAN, '\xff'), ...length) : sequence()
  const list = [
    extension(oid.basicConstraints, constraints, true),
    extension(oid.keyUsage, keyUsage(isCa), true),
    extension(oid.subjectKeyIdentifier, octets(own)),
  ]
  if (usages.length > 0)
    list.push(extension(oid.extendedKeyUsage, sequence(...usages.map((usage) => identifier(oid[usage])))))
  if (authority !== undefined) {
    list.push(
      extension(oid.authorityKeyIdentifier, sequence(asn1.create(context, 0 as forge.asn1.Type, false, authority))),
    )
  }
  if (dnsNames.length + ipAddresses.length > 0) list.push(extension(oid.subjectAltName, alternativeNames(template)))
  return sequence(...list)
}

/** Subject and key identifier of the CA, as they stand in its certificate: the issuer must match to the byte. */
function issuerOf(certificate: Uint8Array): { readonly subject: Asn1; readonly keyIdentifier: string | undefined } {
  const fields = children(children(decode(certificate))[0])
  const subject = fields[5]
  if (subject === undefined) throw new Error('a certificate without a subject')
  const extensionList = children(
    children(fields.find(({ tagClass, type }) => tagClass === context && Number(type) === 3))[0],
  )
  const wanted = asn1.oidToDer(oid.subjectKeyIdentifier).getBytes()
  const found = extensionList.find((one) => children(one)[0]?.value === wanted)
  const value = children(found).at(-1)?.value
  return { subject, keyIdentifier: typeof value === 'string' ? String(asn1.fromDer(value).value) : undefined }
}

const pemToDer = (pem: string): Buffer => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')

function toPem(der: string): string {
  const lines =
    Buffer.from(der, 'binary')
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

/**
 * Makes and signs an X.509 v3 certificate (RFC 5280); PEM. node-forge alone can only use RSA keys, and making one takes a
 * hundred times as long: so the structure is built here and signed by Node's own cryptography.
 */
export function signCertificate(
  template: CertificateTemplate,
  publicKey: KeyObject,
  signer: CertificateSigner,
): string {
  const signerKey = createPrivateKey(signer.keyPem)
  const spki = spkiOf(publicKey)
  const issuer = signer.certPem === undefined ? undefined : issuerOf(pemToDer(signer.certPem))
  const algorithm =
    signerKey.asymmetricKeyType === 'rsa'
      ? sequence(identifier(oid.rsaWithSha256), leaf(asn1.Type.NULL, ''))
      : sequence(identifier(oid.ecdsaWithSha256))
  const authority = issuer === undefined ? keyIdentifier(spkiOf(createPublicKey(signerKey))) : issuer.keyIdentifier
  const toBeSigned = sequence(
    asn1.create(context, 0 as forge.asn1.Type, true, [leaf(asn1.Type.INTEGER, '\x02')]),
    // Positive and never shortened: first byte between 0x40 and 0x7f.
    leaf(
      asn1.Type.INTEGER,
      String.fromCharCode(0x40 | (randomBytes(1).readUInt8() & 0x3f)) + randomBytes(15).toString('binary'),
    ),
    algorithm,
    issuer?.subject ?? name(template),
    sequence(time(template.notBefore), time(template.notAfter)),
    name(template),
    decode(spki),
    asn1.create(context, 3 as forge.asn1.Type, true, [extensions(template, keyIdentifier(spki), authority)]),
  )
  const signature = sign('sha256', Buffer.from(encode(toBeSigned), 'binary'), signerKey).toString('binary')
  return toPem(encode(sequence(toBeSigned, algorithm, bits(signature))))
}
