import { join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { version } from '@quorate/shared/version'
import { historyOf } from './audit/history.js'
import { leaseStore } from './engine/lease.js'
import { runStore } from './engine/run-store.js'
import { seenNowStore } from './engine/seen-now.js'
import { connectFleet } from './fleet/fleet.js'
import { freshIdentity } from './fresh-identity.js'
import { watchRun } from './runs/availability/run-watch.js'
import { revokedKeys } from './runs/context/revoked-keys.js'
import type { Session } from './runs/context/session.js'
import { approvalStore } from './state/approvals.js'
import { backupStore } from './state/backups.js'
import { enrolledNodes, fleetIdOf } from './state/enrolled-nodes.js'
import { enrolmentOf } from './state/enrolment.js'
import { type CoordinatorIdentity, hasNoFleet, readIdentity, readRoots, readState } from './state/fleet-ca.js'
import { fleetTrustOf } from './state/fleet-trust.js'
import { keepBackup } from './state/keep-backup.js'
import { nodeTokens } from './state/node-tokens.js'
import { type OwnIdentity, requireRoot } from './state/own-identity.js'
import { type StatePaths, statePaths } from './state/paths.js'
import { type Renewals, renewalsOf } from './state/renewals.js'
import { requestFolder } from './state/request-folder.js'
import { restTokens } from './state/rest-tokens.js'
import { revocationsOf } from './state/revocations.js'
import { isDue, validityOf } from './state/validity.js'

/**
 * Opens a state folder that `init` made as a session for command line and REST; STATE_NOT_INITIALISED. `person`: agents are called with that identity,
 * and a folder without a fleet will do where only agents are needed; USAGE for an identity of another fleet, IDENTITY_REVOKED.
 */
export async function openSession(folder: string, person?: OwnIdentity): Promise<Session> {
  const paths = statePaths(folder)
  if (person !== undefined) return openAs(person, paths)
  const own = freshIdentity(await inTime(await readIdentity(paths), paths, renewalsOf(paths)), paths)
  return sessionOf(paths, { own, calling: own, backupRecipient: await recipientIn(paths) })
}

async function openAs(person: OwnIdentity, paths: StatePaths): Promise<Session> {
  const { name, role, fingerprint, certPem: cert, keyPem: key, caPem, folder } = person
  const isElsewhere = await hasNoFleet(paths)
  const ca = isElsewhere ? caPem : (await readRoots(paths)).join('')
  requireRoot(cert, ca, folder)
  const own = { ca, cert: isElsewhere ? cert : await readState(paths.coordinatorCert, paths) }
  const session = sessionOf(paths, {
    own: () => own,
    calling: () => ({ ca, cert, key }),
    backupRecipient: isElsewhere ? '' : await recipientIn(paths),
  })
  await requireNotRevoked(session, person)
  return { ...session, person: { name, role, fingerprint } }
}

const recipientIn = async (paths: StatePaths): Promise<string> => (await readState(paths.backupRecipient, paths)).trim()

async function requireNotRevoked(session: Session, { name, key, folder }: OwnIdentity): Promise<void> {
  if (!(await revokedKeys(session)).has(key)) return
  throw new QuorateError('IDENTITY_REVOKED', `the key of ${name} was revoked`, {
    where: join(folder, 'identity.crt'),
    remedy: 'Nothing was changed. If that was a mistake, have another identity issued: quorate identity issue.',
  })
}

interface Parts {
  /** What the state folder trusts, and the certificate of its own key. */
  readonly own: () => Pick<CoordinatorIdentity, 'ca' | 'cert'>
  /** What agents are called with. */
  readonly calling: () => CoordinatorIdentity
  readonly backupRecipient: string
}

function sessionOf(paths: StatePaths, { own, calling, backupRecipient }: Parts): Session {
  const revocations = revocationsOf(paths, own)
  const seenNow = seenNowStore(paths.seenNow)
  const [renewals, enrolment] = [renewalsOf(paths), enrolmentOf(paths)]
  return {
    connect: ({ roots, ...options } = {}) => {
      const identity = calling()
      return connectFleet({ ...identity, ca: roots ?? identity.ca }, { newest: revocations.newest, ...options })
    },
    revocations,
    runs: runStore(paths.runs),
    leases: leaseStore(paths.leases),
    enrolled: () => enrolledNodes(paths),
    keepBackup: (run, node, kind, bytes) => keepBackup(paths, { run, node, kind, bytes }),
    requestFolder: (run) => requestFolder(paths, run),
    backupRecipient,
    backups: backupStore(paths),
    watch: (parts) => watchRun({ ...parts, notice: (seen) => seenNow.write(parts.run.id, seen) }),
    seenNow,
    approvals: {
      store: approvalStore(paths.approvals),
      get caPem() {
        return own().ca
      },
    },
    tokens: restTokens(paths.restTokens),
    trust: fleetTrustOf(paths, { denyLists: revocations, fleetCa: own().ca }),
    rotations: runStore(paths.rotations),
    renewals,
    enrolment,
    nodeTokens: nodeTokens(paths, { enrolment, renewals }),
    history: historyOf({ folder: paths.audit, keyPath: paths.historyKey, fleetId: () => fleetIdOf(paths) }),
    version,
  }
}

/** The coordinator's identity, renewed where it is due: it needs no agent for that. One that cannot be renewed is used until its end. */
async function inTime(identity: CoordinatorIdentity, paths: StatePaths, renewals: Renewals) {
  const validity = validityOf(identity.cert)
  if (!isDue(validity, Date.now())) return identity
  const problem = await renewals.renewOwn('if due').then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  if (problem !== undefined && validity.until < Date.now()) throw problem.error
  return readIdentity(paths)
}
