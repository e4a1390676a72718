import { QuorateError } from './errors.js'
import { sha256Hex } from './hash.js'
import { isCertificateName, isIpAddress } from './names.js'
import { canonicalAddress, isSignedBy, readCertificate } from './pki.js'

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

const refused = (why: string): QuorateError => new QuorateError('CERTIFICATE_INVALID', why)
const notARequest = (): QuorateError => refused('not a PEM certificate signing request')

/** Object identifiers as their DER has them, hex. */
const oid = { commonName: '550403', organization: '55040a', extensions: '2a864886f70d01090e', subjectAltName: '551d11' }
const dnsTag = 0x82
const addressTag = 0x87
/** UTF8String, PrintableString, IA5String: those that are their own bytes. */
const textTags: readonly number[] = [0x0c, 0x13, 0x16]

/** Of a list of `SEQUENCE { identifier, ..., value }` each value with its identifier. */
const namedValues = (list: readonly Element[]): { readonly id: string; readonly value: Element }[] =>
  list.map(({ body }) => {
    const [name, ...rest] = elements(body)
    const value = rest.at(-1)
    if (name === undefined || value === undefined) throw notARequest()
    return { id: name.body.toString('hex'), value }
  })

/** What stands in a list in which only `id` may stand, and only once. */
function onlyValue(list: readonly Element[], id: string, what: string): readonly Element[] {
  const values = namedValues(list)
  if (values.length > 1 || values.some((one) => one.id !== id))
    throw refused(`the request asks for ${what} that kubeadm never asks for`)
  return values.map(({ value }) => value)
}

const inside = (list: readonly Element[]): Element[] => list.flatMap(({ body }) => elements(body))

function subjectOf(subject: Element): Pick<CertificateRequestView, 'commonName' | 'organizations'> {
  const parts = namedValues(inside(elements(subject.body)))
  const text = (id: string): string[] => parts.flatMap(({ id: of, value }) => (of === id ? [subjectText(value)] : []))
  const [commonName = '', ...more] = text(oid.commonName)
  const organizations = text(oid.organization)
  if (commonName === '' || more.length > 0 || parts.length !== 1 + organizations.length)
    throw refused('the subject of the request must be one CN and any number of O')
  return { commonName, organizations }
}

function subjectText({ tag, body }: Element): string {
  const text = body.toString('utf8')
  if (textTags.includes(tag) && /^[A-Za-z0-9:._@-]{1,255}$/.test(text)) return text
  throw refused(`${JSON.stringify(text.slice(0, 80))} in the subject of the request is no name of Kubernetes`)
}

function alternativeName({ tag, body }: Element): string {
  const text = tag === addressTag ? addressText(body) : body.toString('latin1')
  if (tag === addressTag ? isIpAddress(text) : tag === dnsTag && isCertificateName(text)) return text
  throw refused(`${JSON.stringify(text.slice(0, 80))} in the request is neither a DNS name nor an IP address`)
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.')
  if (bytes.length !== 16) throw refused('an IP address in the request has neither 4 nor 16 bytes')
  return canonicalAddress((bytes.toString('hex').match(/.{4}/g) ?? []).join(':'))
}

/** The request of a text that has nothing else in it: openssl would sign the first that it finds. */
function derOf(pem: string): Buffer {
  const [, base64] =
    /^\s*-----BEGIN CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE REQUEST-----\s*$/.exec(pem) ?? []
  if (base64 === undefined) throw notARequest()
  return Buffer.from(base64, 'base64')
}

/**
 * Reads a request in PEM; CERTIFICATE_INVALID for anything else, and for one with more than kubeadm's have: a subject of CN and O, DNS names and IP
 * addresses. So its names may stand in a command, a configuration file and on a terminal. Its own signature is for the CA to check.
 */
export function readCertificateRequest(pem: string): CertificateRequestView {
  const [request, ...more] = elements(derOf(pem))
  const [info] = elements(request?.body)
  const [, subject, publicKey, attributes] = elements(info?.body)
  if (subject === undefined || publicKey === undefined || more.length > 0) throw notARequest()
  const extensions = inside(inside(onlyValue(elements(attributes?.body), oid.extensions, 'attributes')))
  const sans = inside(inside(onlyValue(extensions, oid.subjectAltName, 'extensions')))
  return {
    ...subjectOf(subject),
    sans: sans.map(alternativeName),
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
