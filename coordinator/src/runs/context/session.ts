import type { Clock } from '@quorate/shared/clock'
import type { RunId } from '@quorate/shared/names'
import type { History } from '../../audit/history.js'
import type { EnrolledNode } from '../../config/enrolled-node.js'
import type { Check } from '../../conversion/checks/check.js'
import type { Proof } from '../../conversion/context/proof.js'
import type { ConversionStep } from '../../conversion/context/step.js'
import type { LeaseStore } from '../../engine/lease.js'
import type { RunOutcome } from '../../engine/run-order.js'
import type { RunStore } from '../../engine/run-store.js'
import type { SeenNow } from '../../engine/seen-now.js'
import type { Fleet, FleetOptions } from '../../fleet/fleet.js'
import type { ApprovalStore } from '../../state/approvals.js'
import type { BackupStore } from '../../state/backups.js'
import type { Enrolment } from '../../state/enrolment.js'
import type { FleetTrust } from '../../state/fleet-trust.js'
import type { NodeTokens } from '../../state/node-tokens.js'
import type { Person } from '../../state/own-identity.js'
import type { Renewals } from '../../state/renewals.js'
import type { RequestFolder } from '../../state/request-folder.js'
import type { RestTokens } from '../../state/rest-tokens.js'
import type { Revocations } from '../../state/revocations.js'
import type { RunWatch, RunWatchParts } from '../availability/run-watch.js'

/** All that the command line and REST need from outside: one open state folder. */
export interface Session {
  /** Whose identity agents are called with; unset: the coordinator's own. */
  readonly person?: Person
  /** Clients for the agents; the caller closes it. `unproven`: see FleetOptions. `roots`: trusts these alone, PEM. */
  connect(options?: Pick<FleetOptions, 'unproven'> & { readonly roots?: string }): Fleet
  readonly runs: RunStore
  readonly leases: LeaseStore
  enrolled(): Promise<readonly EnrolledNode[]>
  keepBackup(
    run: RunId,
    node: string,
    kind: 'etcd' | 'files',
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<{ path: string; sha256: string; bytes: number }>
  requestFolder(run: string): RequestFolder
  readonly backupRecipient: string
  readonly backups: BackupStore
  /** Version of this program, written into the journal. */
  readonly version: string
  readonly clock?: Clock
  /** Watches the API during a run; unset: no watch. */
  readonly watch?: (parts: RunWatchParts) => RunWatch
  /** What that watch sees before it is in a journal. */
  readonly seenNow?: SeenNow
  /** Tokens of REST; unset: none can be created. */
  readonly tokens?: RestTokens
  /** Revokes keys; unset: none. */
  readonly revocations?: Revocations
  /** The roots of the fleet, and journals of their rotations; unset: they stay. */
  readonly trust?: FleetTrust
  readonly rotations?: RunStore
  /** Issues new identities; unset: none. */
  readonly renewals?: Renewals
  /** Enrols nodes that make their keys themselves; unset: none can be. */
  readonly enrolment?: Enrolment
  /** Tokens with which nodes join; unset: none can. */
  readonly nodeTokens?: NodeTokens
  /** Where acts are recorded; unset: nowhere. */
  readonly history?: History
  /** Where approvals are kept; unset: nowhere. */
  readonly approvals?: Approvals
  /** Every run needs at least so many approvals, whatever its cluster file says. */
  readonly leastApprovals?: number
  /** A test's replacements for the conversion's own lists. */
  readonly order?: readonly ConversionStep[]
  readonly checks?: readonly Check[]
  readonly proofs?: readonly Proof[]
}

/** Approvals as they were signed, and what proves them. */
export interface Approvals {
  readonly store: ApprovalStore
  /** Certificate of the fleet's CA. */
  readonly caPem: string
}

export interface StartedRun {
  readonly id: RunId
  /** Starts no further action; running actions finish and the run ends as `interrupted`. */
  stop(): void
  /** Never rejects: what went wrong is in the outcome. */
  readonly ended: Promise<RunOutcome>
}
