import { isIP } from 'node:net'
import { type IssueInput, issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import { organisationOf, type Role } from '@quorate/shared/roles'

/** What the coordinator's own identity is called. */
export const coordinatorName = 'coordinator'

/** Days for which the coordinator's own certificate is issued. */
const coordinatorDays = 825
/** Days for which the certificate of a node is issued. */
export const nodeDays = 825

/** A new identity of the coordinator. */
export const issueCoordinator = (ca: KeyPair): KeyPair =>
  issueCertificate({
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
