import { certifyKey } from '@quorate/shared/issue-certificate'
import { readCertificate } from '@quorate/shared/pki'
import type { EnrolledNode } from '../config/enrolled-node.js'
import { parseHostPort } from '../config/node-address.js'
import { recordNode } from './enrolled-nodes.js'
import { readCa } from './fleet-ca.js'
import { coordinatorName, issueCoordinator, nodeCertificate, nodeDays } from './identities.js'
import { recordIssued } from './issued-keys.js'
import type { StatePaths } from './paths.js'
import { writeDurably } from './write-file.js'

/** Issues new identities of this fleet; STATE_NOT_INITIALISED where the CA's key is kept elsewhere. */
export interface Renewals {
  /** When the coordinator's own certificate began and ends; Unix milliseconds. */
  own(): Promise<Validity>
  /** Replaces the coordinator's own key and certificate; connections made from now on show it. */
  renewOwn(): Promise<Validity>
  /** A certificate in PEM for a key that the node offers, with the names that it was enrolled with. */
  certify(node: EnrolledNode, publicKeyPem: string): Promise<string>
  /** Records until when a node's new certificate is valid. */
  record(node: EnrolledNode, certificateExpiresAt: number): Promise<void>
}

export interface Validity {
  readonly from: number
  readonly until: number
}

/** An identity is renewed when a third of its life is left. */
export const isDue = ({ from, until }: Validity, now: number): boolean => now > from + ((until - from) * 2) / 3

/** A node's certificate began when it was enrolled or renewed last: only its end is recorded. */
export const isNodeDue = ({ certificateExpiresAt }: EnrolledNode, now: number): boolean =>
  now > certificateExpiresAt - (nodeDays * dayMs) / 3

const dayMs = 24 * 60 * 60_000

export function renewalsOf(paths: StatePaths, readOwnCertificate: () => Promise<string>): Renewals {
  return {
    own: async () => validityOf(await readOwnCertificate()),
    async renewOwn() {
      const { certPem, keyPem } = issueCoordinator(await readCa(paths))
      // The one before as well: an earlier version did not record it.
      await recordIssued(paths, coordinatorName, await readOwnCertificate())
      await recordIssued(paths, coordinatorName, certPem)
      // The certificate is replaced last; until then it lies beside, where fleet-ca.ts finds it for the new key.
      await writeDurably(`${paths.coordinatorCert}.next`, certPem, 0o644)
      await writeDurably(paths.coordinatorKey, keyPem, 0o600)
      await writeDurably(paths.coordinatorCert, certPem, 0o644)
      return validityOf(certPem)
    },
    async certify({ name, agent }, publicKeyPem) {
      const wish = nodeCertificate(await readCa(paths), name, parseHostPort(agent)?.host ?? '')
      const certificate = certifyKey(wish, publicKeyPem)
      await recordIssued(paths, name, certificate)
      return certificate
    },
    record: (node, certificateExpiresAt) => recordNode(paths, { ...node, certificateExpiresAt }),
  }
}

/** When a certificate in PEM begins and ends. */
export function validityOf(certificate: string): Validity {
  const { notBefore, notAfter } = readCertificate(certificate)
  return { from: notBefore.getTime(), until: notAfter.getTime() }
}
