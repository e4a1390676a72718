import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { QuorateError } from './errors.js'
import { sha256Hex } from './hash.js'

export interface CertificateView {
  /** `O=..., CN=...` in the certificate's own order. */
  readonly subject: string
  readonly issuer: string
  readonly commonName: string
  readonly organizations: readonly string[]
  /** Upper case hex. */
  readonly serial: string
  /** DNS names and addresses, these in canonical form. */
  readonly sans: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
  /** Hex of the whole certificate's DER. */
  readonly sha256: string
  readonly isCa: boolean
  /** Whether its extended key usage has serverAuth. */
  readonly serverAuth: boolean
  /** Whether it has clientAuth. */
  readonly clientAuth: boolean
  /** `sha256:hex` of the SubjectPublicKeyInfo, as kubeadm pins a CA. */
  readonly publicKeyPin: string
}

/** An address in its one canonical form (RFC 5952 for IPv6); text that is no address as it is, in lower case. */
export function canonicalAddress(text: string): string {
  if (!isIPv6(text)) return text.toLowerCase()
  return text.includes('%') ? text.toLowerCase() : new URL(`http://[${text}]`).hostname.slice(1, -1)
}

function x509(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new QuorateError('CERTIFICATE_INVALID', 'not a PEM certificate', { cause: error })
  }
}

const oneLine = (name: string): string => name.split('\n').join(', ')

function attributes(name: string, key: string): string[] {
  return name.split('\n').flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []))
}

/** Node's text form: `DNS:a, IP Address:1.2.3.4`, a value that could be mistaken as a JSON string. */
function readSans(text: string): string[] {
  return [...text.matchAll(/(?<=^|, )(DNS|IP Address|[A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)].flatMap(
    ([, kind, value = '']) => {
      if (kind !== 'DNS' && kind !== 'IP Address') return []
      const plain = value.startsWith('"') ? String(JSON.parse(value)) : value
      return [kind === 'DNS' ? plain : canonicalAddress(plain)]
    },
  )
}

/** RFC 5280, 4.2.1.12. */
const serverAuthOid = '1.3.6.1.5.5.7.3.1'
const clientAuthOid = '1.3.6.1.5.5.7.3.2'

function view(certificate: X509Certificate): CertificateView {
  return {
    subject: oneLine(certificate.subject ?? ''),
    issuer: oneLine(certificate.issuer ?? ''),
    commonName: attributes(certificate.subject ?? '', 'CN')[0] ?? '',
    organizations: attributes(certificate.subject ?? '', 'O'),
    serial: certificate.serialNumber.toUpperCase(),
    sans: readSans(certificate.subjectAltName ?? ''),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    sha256: sha256Hex(certificate.raw),
    isCa: certificate.ca,
    serverAuth: (certificate.keyUsage ?? []).includes(serverAuthOid),
    clientAuth: (certificate.keyUsage ?? []).includes(clientAuthOid),
    publicKeyPin: `sha256:${sha256Hex(certificate.publicKey.export({ type: 'spki', format: 'der' }))}`,
  }
}

/** Reads the first certificate of a PEM text; CERTIFICATE_INVALID when there is none. */
export function readCertificate(pem: string): CertificateView {
  return view(x509(pem))
}

/** Reads every certificate of a PEM bundle, in its order. */
export function readCertificates(pemBundle: string): CertificateView[] {
  return [...pemBlocks(pemBundle, 'CERTIFICATE')].map((pem) => readCertificate(pem))
}

/** The blocks of a PEM text with this label, from BEGIN to END; what lies around them is left out. */
export function* pemBlocks(text: string, label: string): Generator<string> {
  const [begin, end] = [`-----BEGIN ${label}-----`, `-----END ${label}-----`]
  for (let from = 0; ; ) {
    const at = text.indexOf(begin, from)
    const to = at === -1 ? -1 : text.indexOf(end, at)
    if (to === -1) return
    from = to + end.length
    yield text.slice(at, from)
  }
}

/** Whether the CA issued this certificate: names, and the signature. Says nothing about dates. */
export function isSignedBy(pem: string, caPem: string): boolean {
  const [certificate, ca] = [x509(pem), x509(caPem)]
  return certificate.checkIssued(ca) && certificate.verify(ca.publicKey)
}

/** Whether the private key belongs to the certificate; false when the key cannot be read. */
export function keyMatches(certPem: string, keyPem: string): boolean {
  const certificate = x509(certPem)
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem))
  } catch {
    return false
  }
}
