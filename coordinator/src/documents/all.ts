import { approvals, identities, identityIssued } from './approvals.js'
import type { Document } from './document.js'
import {
  backends,
  backups,
  detached,
  enrolled,
  explanation,
  failure,
  initialised,
  nodes,
  pruned,
  renewals,
  reportFile,
  restored,
  revocation,
  root,
  tokenCreated,
  tokens,
} from './fleet.js'
import { calls, history, historyVerification } from './history.js'
import { drillPlan, fixPlan, plan, rollbackPlan, verification } from './plan.js'
import { drillReport, event, run, runs, undoAvailability } from './run.js'

/** Every document that `-o json` prints, beside the report (report/schema.ts). */
export const documents: readonly Document[] = [
  initialised,
  enrolled,
  nodes,
  plan,
  event,
  run,
  runs,
  rollbackPlan,
  undoAvailability,
  verification,
  fixPlan,
  drillPlan,
  drillReport,
  backends,
  backups,
  pruned,
  restored,
  reportFile,
  tokens,
  tokenCreated,
  identities,
  identityIssued,
  approvals,
  renewals,
  revocation,
  root,
  explanation,
  detached,
  history,
  calls,
  historyVerification,
  failure,
]
