import { readFile } from 'node:fs/promises'
import type { EnrolledNode } from '../config/enrolled-node.js'
import { parseHostPort } from '../config/node-address.js'
import { recordNode } from './enrolled-nodes.js'
import { readIdentity } from './fleet-ca.js'
import { alone } from './fleet-lock.js'
import { certifyByFleet, coordinatorName, issueCoordinator, nodeCertificate } from './identities.js'
import { issuedKeys, recordIssued } from './issued-keys.js'
import { issuerValidity, readIssuer, renewIssuer } from './issuer.js'
import type { StatePaths } from './paths.js'
import { type RootAccess, type RootKeyPlace, rootKeyPlace } from './root-key.js'
import { isDue, type Validity, validityOf } from './validity.js'
import { writeDurably } from './write-file.js'

/** Issues new identities of this fleet. */
export interface Renewals {
  /** When the coordinator's own certificate began and ends. */
  own(): Promise<Validity>
  /**
   * Replaces the coordinator's own key and certificate; connections made from now on show it. `if due`: unless another process has just done so.
   * See `readIssuer` for its errors.
   */
  renewOwn(when: 'if due' | 'now'): Promise<Validity>
  /** When the issuer of the fleet began and ends; unset where there is none yet. `rootKey`: whether it renews by itself. */
  issuer(): Promise<{ readonly validity: Validity | undefined; readonly rootKey: RootKeyPlace }>
  /** Makes the next issuer. ROOT_KEY_LOCKED, STATE_NOT_INITIALISED. */
  renewIssuer(access: RootAccess): Promise<Validity>
  /** A certificate in PEM for a key that the node offers, with the names that it was enrolled with. */
  certify(node: Pick<EnrolledNode, 'name' | 'agent'>, publicKeyPem: string, vouchedBy?: string): Promise<string>
  /** SHA-256 of the keys that were issued to a node and may still vouch for its next one. */
  mayVouch(node: EnrolledNode): Promise<ReadonlySet<string>>
  /** Records from when until when a node's new certificate is valid. */
  record(node: EnrolledNode, validity: Validity): Promise<void>
}

/** Whether a node's certificate is due. */
export const isNodeDue = ({ certificateBeganAt, certificateExpiresAt: until }: EnrolledNode, now: number): boolean =>
  isDue({ from: certificateBeganAt ?? until - olderDays * dayMs, until }, now)

/** How often one key may vouch for another after its certificate has ended: a renewal that is cut off is tried again. */
const mostVouched = 5

/** As an earlier version issued them. */
const olderDays = 825
const dayMs = 24 * 60 * 60_000

export function renewalsOf(paths: StatePaths): Renewals {
  return {
    own: async () => validityOf((await readIdentity(paths)).cert),
    renewOwn: (when) => alone(paths, () => renewOwn(paths, when)),
    issuer: async () => ({ validity: await issuerValidity(paths), rootKey: await rootKeyPlace(paths) }),
    renewIssuer: async (access) => validityOf((await renewIssuer(paths, access)).certPem),
    async certify({ name, agent }, publicKeyPem, vouchedBy) {
      const wish = nodeCertificate(await readIssuer(paths), name, parseHostPort(agent)?.host ?? '')
      const certificate = certifyByFleet(wish, publicKeyPem)
      await recordIssued(paths, name, certificate, vouchedBy)
      return certificate
    },
    async mayVouch({ name }) {
      const issued = await issuedKeys(paths)
      const times = (key: string) => issued.filter(({ vouchedBy }) => vouchedBy === key).length
      return new Set(
        issued.flatMap(({ sha256, whose }) => (whose === name && times(sha256) < mostVouched ? [sha256] : [])),
      )
    },
    record: (node, { from, until }) =>
      recordNode(paths, { ...node, certificateBeganAt: from, certificateExpiresAt: until }),
  }
}

async function renewOwn(paths: StatePaths, when: 'if due' | 'now'): Promise<Validity> {
  const { cert: before } = await readIdentity(paths)
  const present = validityOf(before)
  if (when === 'if due' && !isDue(present, Date.now())) return present
  const { certPem, keyPem } = issueCoordinator(await readIssuer(paths))
  // The one before as well: an earlier version did not record it.
  await recordIssued(paths, coordinatorName, before)
  await recordIssued(paths, coordinatorName, certPem)
  await finishCutOff(paths, before)
  // The certificate is replaced last; until then it lies beside, where fleet-ca.ts finds it for the new key.
  await writeDurably(`${paths.coordinatorCert}.next`, certPem, 0o644)
  await writeDurably(paths.coordinatorKey, keyPem, 0o600)
  await writeDurably(paths.coordinatorCert, certPem, 0o644)
  return validityOf(certPem)
}

/** Where a renewal was cut off before its last write, the certificate of the present key lies where that of the next key will be put. */
async function finishCutOff({ coordinatorCert }: StatePaths, present: string): Promise<void> {
  if ((await readFile(coordinatorCert, 'utf8')) !== present) await writeDurably(coordinatorCert, present, 0o644)
}
