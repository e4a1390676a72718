import { createPrivateKey, sign, verify, X509Certificate } from 'node:crypto'
import { QuorateError } from './errors.js'
import { certificatesIn } from './fleet-chain.js'
import type { KeyPair } from './issue-certificate.js'

/** The roots that a fleet trusts: one, or two while one takes over from the other, the newer first. Its number only rises. */
export interface TrustBundle {
  readonly number: number
  /** PEM, one certificate after the other. */
  readonly roots: string
}

/** Two roots with their signature are 2 KiB. */
export const largestTrustBundle = 16 * 1024
const mostRoots = 2

/** A signature for a bundle is none for anything else that a root signs. */
const signedText = (text: string): Buffer => Buffer.from(`quorate trust bundle v1\n${text}`)

/** The bundle with the signature of a root that is trusted before it: two lines. */
export function signTrustBundle({ number, roots }: TrustBundle, { keyPem }: Pick<KeyPair, 'keyPem'>): string {
  const text = JSON.stringify({ number, roots: certificatesIn(roots).map(({ raw }) => raw.toString('base64')) })
  return `${text}\n${sign('sha256', signedText(text), createPrivateKey(keyPem)).toString('base64')}\n`
}

/**
 * Reads a bundle; TRUST_BUNDLE_REFUSED unless a root in `trusted` (PEM) signed it and each of its roots is one of the same fleet that is valid
 * `at` that time (Unix milliseconds).
 */
export function openTrustBundle(document: string, trusted: string, at: number): TrustBundle {
  const [text = '', signature = '', ...more] = document.split('\n')
  const read = document.length > largestTrustBundle || more.join('') !== '' ? undefined : parsed(text)
  if (read === undefined) throw trustBundleRefused('it is no signed bundle')
  const present = certificatesIn(trusted)
  const isSigned = present.some(({ publicKey }) =>
    verify('sha256', signedText(text), publicKey, Buffer.from(signature, 'base64')),
  )
  if (!isSigned) throw trustBundleRefused('no root that is trusted here signed it', otherFleet)
  for (const root of read.roots) requireRoot(root, { fleet: present[0]?.subject, at })
  return { number: read.number, roots: read.roots.map(String).join('') }
}

function parsed(text: string) {
  try {
    const { number, roots } = JSON.parse(text) as { readonly number?: unknown; readonly roots?: unknown }
    const isBundle = Number.isSafeInteger(number) && Number(number) > 0 && Array.isArray(roots)
    if (!isBundle || roots.length === 0 || roots.length > mostRoots) return undefined
    const read = roots.map((base64) => new X509Certificate(Buffer.from(String(base64), 'base64')))
    return { number: Number(number), roots: read }
  } catch {
    return undefined
  }
}

function requireRoot(
  root: X509Certificate,
  { fleet, at }: { readonly fleet: string | undefined; readonly at: number },
) {
  if (root.subject !== fleet)
    throw trustBundleRefused(`it has a root of another fleet: ${JSON.stringify(root.subject)}`, otherFleet)
  if (!root.ca || !root.checkIssued(root) || !root.verify(root.publicKey))
    throw trustBundleRefused('one of its certificates is no root')
  if (at < Date.parse(root.validFrom) || at > Date.parse(root.validTo))
    throw trustBundleRefused(`its root is valid from ${root.validFrom} to ${root.validTo}`)
}

const numberLine = /^# trust bundle (\d{1,15})$/m

/** A bundle as a file: its number in a line that readers of PEM pass over, then the roots. */
export const trustText = ({ number, roots }: TrustBundle): string => `# trust bundle ${number}\n${roots}`

/** The number of a bundle from its file; 0 for roots that never changed. */
export const trustNumber = (text: string): number => Number(numberLine.exec(text)?.[1] ?? 0)

/** TRUST_BUNDLE_REFUSED with the reason. */
export const trustBundleRefused = (why: string, remedy?: string): QuorateError =>
  new QuorateError('TRUST_BUNDLE_REFUSED', `the new roots are refused: ${why}`, remedy === undefined ? {} : { remedy })

const otherFleet =
  'Nothing was changed on that node. It belongs to another fleet: name the state folder of that one with --state, or enroll the node in this one: quorate enroll NODE --address HOST --bundle DIR'
