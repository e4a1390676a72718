import { isIP } from 'node:net'
import { certifyKey, type IssueInput, issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import { organisationOf, type Role } from '@quorate/shared/roles'

/** What the coordinator's own identity is called. */
export const coordinatorName = 'coordinator'

/** Days for which the coordinator's own certificate is issued. */
const coordinatorDays = 90
/** Days for which the certificate of a node is issued. */
const nodeDays = 90

/** A key with its certificate, which the issuer's follows: peers know the roots only. */
export function issueByFleet(wish: IssueInput): KeyPair {
  const { certPem, keyPem } = issueCertificate(wish)
  return { certPem: `${certPem}${wish.ca.certPem}`, keyPem }
}

/** The certificate for a key that was made elsewhere, which the issuer's follows. */
export const certifyByFleet = (wish: IssueInput, publicKeyPem: string): string =>
  `${certifyKey(wish, publicKeyPem)}${wish.ca.certPem}`

/** A new identity of the coordinator. */
export const issueCoordinator = (ca: KeyPair): KeyPair =>
  issueByFleet({
    ca,
    commonName: coordinatorName,
    organizations: [organisationOf('operator')],
    dnsNames: [coordinatorName],
    ipAddresses: [],
    days: coordinatorDays,
    usage: 'client',
  })

/** What the certificate of a node says; `host` is where its agent is reached, an IP address or a name. */
export const nodeCertificate = (ca: KeyPair, node: string, host: string): IssueInput => ({
  ca,
  commonName: node,
  organizations: ['quorate:node'],
  dnsNames: [node],
  ipAddresses: isIP(host) === 0 ? [] : [host],
  days: nodeDays,
  usage: 'server',
})

/** What the certificate of a person says: the name and one role. */
export const personCertificate = (
  ca: KeyPair,
  { name, role, days }: { readonly name: string; readonly role: Role; readonly days: number },
): IssueInput => ({
  ca,
  commonName: name,
  organizations: [organisationOf(role)],
  dnsNames: [],
  ipAddresses: [],
  days,
  usage: 'client',
})
