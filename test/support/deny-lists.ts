import { X509Certificate } from 'node:crypto'
import { fleetOf, keyOf, signDenyList } from '@quorate/shared/deny-list'
import type { KeyPair } from '@quorate/shared/issue-certificate'

/** A list as the coordinator signs it, of the keys of these certificates. */
export function denyListOf(ca: KeyPair, number: number, ...certificates: readonly string[]): string {
  const denied = certificates.map((pem) => {
    const certificate = new X509Certificate(pem)
    return { sha256: keyOf(certificate), whose: 'a test', deniedAt: Date.UTC(2026, 10, 30) }
  })
  return signDenyList({ number, fleet: fleetOf(ca.certPem), denied }, ca)
}
