import { createHmac, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'

export interface BootstrapToken {
  /** Six characters, public: it names the Secret `bootstrap-token-<id>`. */
  readonly id: string
  /** Sixteen characters, secret. */
  readonly secret: string
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

function randomText(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}

/** A fresh token of the form that kubeadm accepts, `[a-z0-9]{6}.[a-z0-9]{16}`. */
export function newToken(): BootstrapToken {
  return { id: randomText(6), secret: randomText(16) }
}

/** A fresh key for `kubeadm-certs`: 32 random bytes as 64 hex digits. */
export function newCertificateKey(): string {
  return randomBytes(32).toString('hex')
}

/** The algorithm and key id in a JWS header; undefined when it is not one. */
function readHeader(encoded: string): { readonly alg: unknown; readonly kid: unknown } | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'))
    return typeof header === 'object' && header !== null ? { alg: undefined, kid: undefined, ...header } : undefined
  } catch {
    return undefined
  }
}

/**
 * Whether `jws` (`jws-kubeconfig-<id>` of ConfigMap cluster-info) is the token's signature of `kubeconfigText`. A detached JWS:
 * `header..HMAC-SHA256(secret, header + "." + base64url(kubeconfig))` (kubernetes/cluster-bootstrap, token/jws/jws.go).
 * Anything malformed is not a signature: false, never an error.
 */
export function verifyClusterInfoSignature(kubeconfigText: string, jws: string, token: string): boolean {
  const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(token) ?? []
  const [, encodedHeader, signature] = /^([A-Za-z0-9_-]+)\.\.([A-Za-z0-9_-]+)$/.exec(jws) ?? []
  if (id === undefined || secret === undefined || encodedHeader === undefined || signature === undefined) return false
  const header = readHeader(encodedHeader)
  if (header?.alg !== 'HS256' || header.kid !== id) return false
  const payload = Buffer.from(kubeconfigText, 'utf8').toString('base64url')
  const expected = createHmac('sha256', secret).update(`${encodedHeader}.${payload}`).digest()
  const received = Buffer.from(signature, 'base64url')
  return received.length === expected.length && timingSafeEqual(received, expected)
}
