import { QuorateError } from './errors.js'
import { sha256Hex } from './hash.js'
import { canonicalAddress, isSignedBy, pemBlocks, readCertificate } from './pki.js'

/** What a certificate signing request (PKCS#10, RFC 2986) asks for. */
export interface CertificateRequestView {
  readonly commonName: string
  readonly organizations: readonly string[]
  /** DNS names and addresses, these in canonical form. */
  readonly sans: readonly string[]
  /** `sha256:hex` of the SubjectPublicKeyInfo, as `CertificateView` has it. */
  readonly publicKeyPin: string
}

/** One element of DER (ITU-T X.690). */
interface Element {
  readonly tag: number
  readonly body: Buffer
  readonly whole: Buffer
}

/** The elements that stand one after the other; a length that leads beyond the end is no DER. */
function elements(der: Buffer | undefined): Element[] {
  const found: Element[] = []
  for (let rest = der ?? Buffer.alloc(0); rest.length > 0; ) {
    const first = rest[1] ?? 0
    const size = first < 0x80 ? 0 : first & 0x7f
    const start = 2 + size
    if (size > 4 || rest.length < start) throw notARequest()
    const end = start + (size === 0 ? first : rest.readUIntBE(2, size))
    if (rest.length < end) throw notARequest()
    found.push({ tag: rest[0] ?? 0, body: rest.subarray(start, end), whole: rest.subarray(0, end) })
    rest = rest.subarray(end)
  }
  return found
}

const notARequest = (): QuorateError => new QuorateError('CERTIFICATE_INVALID', 'not a PEM certificate signing request')

/** Object identifiers as their DER has them, hex. */
const oid = { commonName: '550403', organization: '55040a', extensions: '2a864886f70d01090e', subjectAltName: '551d11' }
const dnsTag = 0x82
const addressTag = 0x87

/** The values of a list of `SEQUENCE { identifier, ..., value }` that have this identifier. */
const valuesOf = (list: readonly Element[], id: string): Element[] =>
  list.flatMap(({ body }) => {
    const [name, ...rest] = elements(body)
    const value = rest.at(-1)
    return value !== undefined && name?.body.toString('hex') === id ? [value] : []
  })

const inside = (list: readonly Element[]): Element[] => list.flatMap(({ body }) => elements(body))

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.')
  return canonicalAddress((bytes.toString('hex').match(/.{4}/g) ?? []).join(':'))
}

/** Reads a request in PEM; CERTIFICATE_INVALID for anything else. Its own signature is for the CA to check. */
export function readCertificateRequest(pem: string): CertificateRequestView {
  const [block] = pemBlocks(pem, 'CERTIFICATE REQUEST')
  if (block === undefined) throw notARequest()
  const [request] = elements(Buffer.from(block.split('-----')[2] ?? '', 'base64'))
  const [info] = elements(request?.body)
  const [, subject, publicKey, attributes] = elements(info?.body)
  if (subject === undefined || publicKey === undefined) throw notARequest()
  const names = inside(elements(subject.body))
  const text = (id: string): string[] => valuesOf(names, id).map(({ body }) => body.toString('utf8'))
  const extensions = inside(inside(valuesOf(elements(attributes?.body), oid.extensions)))
  const sans = inside(inside(valuesOf(extensions, oid.subjectAltName)))
  return {
    commonName: text(oid.commonName)[0] ?? '',
    organizations: text(oid.organization),
    sans: sans.flatMap(({ tag, body }) => {
      if (tag === dnsTag) return [body.toString('utf8')]
      return tag === addressTag ? [addressText(body)] : []
    }),
    publicKeyPin: `sha256:${sha256Hex(publicKey.whole)}`,
  }
}

/** A day: what ends sooner is no certificate to begin with. */
export const shortestLifeMs = 86_400_000
/** Backdating is usual; a start in the future means that a clock was moved. */
export const clockToleranceMs = 300_000

export interface Signing {
  /** PEM of the request. */
  readonly csr: string
  /** PEM of the CA that was to sign it. */
  readonly caPem: string
  readonly usages: readonly ('client' | 'server')[]
  /** Unix milliseconds. */
  readonly now: number
}

/** Everything in which a certificate is not what its request asked this CA for; empty where it may be used. */
export function shortcomingsOf(certPem: string, { csr, caPem, usages, now }: Signing): readonly string[] {
  const asked = readCertificateRequest(csr)
  let view: ReturnType<typeof readCertificate>
  try {
    view = readCertificate(certPem)
  } catch {
    return ['it is not a PEM certificate']
  }
  if (view.publicKeyPin !== asked.publicKeyPin)
    return ['its key differs from the request: it belongs to another or an older request']
  const given = new Set(view.sans.map(canonicalAddress))
  const missing = asked.sans.filter((san) => !given.has(canonicalAddress(san)))
  const has = { client: view.clientAuth, server: view.serverAuth }
  const lacksUsage = usages.filter((usage) => !has[usage])
  const subject = (of: { organizations: readonly string[]; commonName: string }): string =>
    [...of.organizations.map((name) => `O=${name}`).sort(), `CN=${of.commonName}`].join(', ')
  const problems = [
    isSignedBy(certPem, caPem) ? '' : `it is not signed by ${readCertificate(caPem).subject}, the CA of this cluster`,
    subject(view) === subject(asked) ? '' : `its subject is ${subject(view)}, the request's is ${subject(asked)}`,
    missing.length === 0 ? '' : `it lacks ${missing.join(', ')}`,
    lacksUsage.length === 0
      ? ''
      : `its extended key usage lacks ${lacksUsage.map((usage) => `${usage}Auth`).join(', ')}`,
    view.isCa ? 'it is the certificate of a CA' : '',
    view.notAfter.getTime() - now > shortestLifeMs ? '' : `it expires on ${view.notAfter.toISOString()}`,
    view.notBefore.getTime() - now < clockToleranceMs ? '' : `it is valid only from ${view.notBefore.toISOString()}`,
  ]
  return problems.filter((problem) => problem !== '')
}

/**
 * What openssl's `-extfile` gives the certificate of a request: kubeadm's requests say their names alone. The extensions are those that kubeadm
 * gives its own (app/util/pkiutil, NewSignedCert).
 */
export function opensslExtensions({ csr, usages }: Pick<Signing, 'csr' | 'usages'>): string {
  const { sans } = readCertificateRequest(csr)
  const names = sans.map((san) => (/^[\d.]+$|:/.test(san) ? `IP:${san}` : `DNS:${san}`))
  return [
    'basicConstraints = critical, CA:FALSE',
    'keyUsage = critical, digitalSignature, keyEncipherment',
    `extendedKeyUsage = ${usages.map((usage) => `${usage}Auth`).join(', ')}`,
    'authorityKeyIdentifier = keyid',
    ...(names.length === 0 ? [] : [`subjectAltName = ${names.join(', ')}`]),
    '',
  ].join('\n')
}
