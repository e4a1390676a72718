import { version } from '@quorate/shared/version'
import { historyOf } from './audit/history.js'
import { leaseStore } from './engine/lease.js'
import { runStore } from './engine/run-store.js'
import { seenNowStore } from './engine/seen-now.js'
import { connectFleet } from './fleet/fleet.js'
import { freshIdentity } from './fresh-identity.js'
import { watchRun } from './runs/availability/run-watch.js'
import type { Session } from './runs/context/session.js'
import { approvalStore } from './state/approvals.js'
import { backupStore } from './state/backups.js'
import { enrolledNodes, fleetIdOf } from './state/enrolled-nodes.js'
import { enrolmentOf } from './state/enrolment.js'
import { type CoordinatorIdentity, readIdentity, readState } from './state/fleet-ca.js'
import { fleetTrustOf } from './state/fleet-trust.js'
import { keepBackup } from './state/keep-backup.js'
import { type StatePaths, statePaths } from './state/paths.js'
import { type Renewals, renewalsOf } from './state/renewals.js'
import { requestFolder } from './state/request-folder.js'
import { restTokens } from './state/rest-tokens.js'
import { revocationsOf } from './state/revocations.js'
import { isDue, validityOf } from './state/validity.js'

/** Opens a state folder that `init` made as a session for command line and REST; STATE_NOT_INITIALISED. */
export async function openSession(folder: string): Promise<Session> {
  const paths = statePaths(folder)
  const renewals = renewalsOf(paths)
  const identity = freshIdentity(await inTime(await readIdentity(paths), paths, renewals), paths)
  const revocations = revocationsOf(paths, identity)
  const seenNow = seenNowStore(paths.seenNow)
  return {
    connect: ({ roots, ...options } = {}) => {
      const own = identity()
      return connectFleet({ ...own, ca: roots ?? own.ca }, { newest: revocations.newest, ...options })
    },
    revocations,
    runs: runStore(paths.runs),
    leases: leaseStore(paths.leases),
    enrolled: () => enrolledNodes(paths),
    keepBackup: (run, node, kind, bytes) => keepBackup(paths, { run, node, kind, bytes }),
    requestFolder: (run) => requestFolder(paths, run),
    backupRecipient: (await readState(paths.backupRecipient, paths)).trim(),
    backups: backupStore(paths),
    watch: (parts) => watchRun({ ...parts, notice: (seen) => seenNow.write(parts.run.id, seen) }),
    seenNow,
    approvals: {
      store: approvalStore(paths.approvals),
      get caPem() {
        return identity().ca
      },
    },
    tokens: restTokens(paths.restTokens),
    trust: fleetTrustOf(paths, { denyLists: revocations, fleetCa: identity().ca }),
    rotations: runStore(paths.rotations),
    renewals,
    enrolment: enrolmentOf(paths),
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
