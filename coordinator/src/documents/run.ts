import { z } from 'zod'
import { document } from './document.js'
import { action, finding, missingNode, plannedStep } from './plan.js'
import {
  actionState,
  count,
  evidence,
  flag,
  list,
  milliseconds,
  object,
  outcome,
  runError,
  stepState,
  text,
  textByName,
  time,
} from './words.js'

const result = object({
  unchanged: flag,
  touched: list(object({ name: text, sha256Before: text, sha256After: text })),
  summary: text,
  facts: textByName,
})

const actionRecord = object({
  action,
  state: actionState,
  startedAt: time.optional(),
  endedAt: time.optional(),
  progress: text.optional().describe('The last line that the node sent.'),
  operations: list(object({ node: text, label: text, result, undo: flag, undone: flag })),
  sent: list(
    object({
      operationId: text,
      node: text,
      label: text,
      method: text,
      attempt: count,
      state: z.enum(['sent', 'done', 'failed']),
      result: result.optional(),
      error: runError.optional(),
      over: flag,
    }),
  ),
  evidence: list(evidence),
  undoEvidence: list(evidence).optional(),
  error: runError.optional(),
  undoError: runError.optional(),
})

const step = object({
  id: text,
  title: text,
  state: stepState,
  startedAt: time.optional(),
  endedAt: time.optional(),
  proofs: list(evidence).optional(),
  actions: list(actionRecord),
})

export const counts = {
  asked: count.describe('0: it could not be observed.'),
  failed: count,
  longestGapMs: milliseconds.describe('The longest time between two successful answers.'),
}

export const availabilityRecord = object({
  during: text.describe('The step that was running.'),
  place: text.describe('The node that sent the requests.'),
  target: text.describe(
    '`endpoint`, the name of a control plane (its own API server), `write`, or what pods use: `service-kubernetes`, `cluster-dns`.',
  ),
  from: time,
  to: time,
  ...counts,
  stalledMs: count.optional().describe('How long the requesting machine itself stood still; not part of any gap.'),
  outages: list(object({ from: time, to: time, error: text })),
})

export const picture = object({
  connections: list(
    object({
      node: text,
      component: text,
      to: text.describe('`endpoint`, or the name of a control plane: its own API server.'),
    }),
  ),
  members: list(
    object({
      id: text,
      name: text,
      peerUrl: text,
      learner: flag,
      leader: flag,
      version: text.describe('Empty if the member does not answer.'),
    }),
  ),
  certificates: list(
    object({ node: text, path: text, subject: text, serial: text, sans: list(text), notAfter: time, ca: flag }),
  ),
  backends: list(text).describe(
    "Control planes that are backends in the configuration of Quorate's own load balancer.",
  ),
  silent: list(text).describe('Nodes whose connections could not be read.'),
}).describe('The cluster at one moment: the connections of its components, as the kernel of each node reports them.')

export const waitingNodes = list(
  missingNode.extend({ since: time, waits: list(object({ step: text, does: text })) }),
).describe('Nodes that the run continued without, and the actions that wait for them.')

const signedApproval = object({
  statement: text.describe('The text that is signed.'),
  signature: text.describe('ECDSA with SHA-256 (DER), base64.'),
  certificate: text.describe('Of the approver (PEM).'),
})

const approved = { startedBy: text.optional(), approvals: list(signedApproval).optional() }

const summary = {
  id: text,
  cluster: text,
  purpose: text.optional().describe('`drill` or `fix`; absent for a conversion.'),
  outcome,
  startedAt: time,
  endedAt: time.optional(),
  planHash: text,
  version: text.describe('Of the program that last worked on it.'),
  error: runError.optional(),
  missing: waitingNodes,
  resumed: count.describe('How often another process continued it.'),
  startedBy: text.optional(),
  seq: count.describe('Number of the last event.'),
}

/** A run without its steps. */
export const runSummary = object(summary)

export const runs = document('runs', 'All runs of the state folder, newest first: `quorate status`.', {
  runs: list(runSummary),
})

export const run = document('run', 'One run, read from its journal: `quorate status RUN`.', {
  ...summary,
  clusterFile: text,
  fencingToken: count,
  ignored: textByName.describe('Findings that the cluster file ignores, with the reasons.'),
  findings: list(finding),
  approvals: list(signedApproval).describe('Of its plan and of its rollback.'),
  steps: list(step),
  availability: list(availabilityRecord),
  seen: object({ before: picture.optional(), after: picture.optional() }),
  rollback: object({ startedAt: time, keepEndpoint: flag }).optional(),
})

const ofAction = { step: text, action: text, node: text }
const ofOperation = { ...ofAction, label: text, operationId: text }
const listed = list(plannedStep)
const ended = z.enum(['done', 'failed', 'interrupted'])
const kind = <const K extends string, S extends z.ZodRawShape>(name: K, shape: S) =>
  object({ kind: z.literal(name), ...shape })

/** What happened, as the journal records it. */
const events = z.discriminatedUnion('kind', [
  kind('run-started', {
    cluster: text,
    planHash: text,
    fencingToken: count,
    version: text,
    clusterFile: text,
    steps: listed,
    ignored: textByName,
    purpose: text.optional(),
    findings: list(finding).optional(),
    ...approved,
  }),
  kind('run-resumed', {
    planHash: text,
    fencingToken: count,
    version: text,
    steps: listed,
    differences: list(text).describe('What differs from what was approved, and was accepted.'),
  }),
  kind('step-started', { step: text, title: text, actions: list(action), proofs: list(evidence).optional() }),
  kind('step-skipped', { step: text, title: text }),
  kind('step-done', { step: text }),
  kind('action-started', { step: text, action }),
  kind('action-continued', ofAction),
  kind('operation-sent', { ...ofOperation, method: text, attempt: count }),
  kind('progress', { ...ofAction, message: text }),
  kind('operation-done', { ...ofOperation, result }),
  kind('operation-failed', { ...ofOperation, error: runError }),
  kind('action-verified', { ...ofAction, evidence: list(evidence) }),
  kind('action-failed', { ...ofAction, error: runError }),
  kind('action-pending', { ...ofAction, error: runError }),
  kind('undo-started', ofAction),
  kind('action-undone', { ...ofAction, evidence: list(evidence) }),
  kind('undo-failed', { ...ofAction, error: runError }),
  kind('node-missing', { node: text, message: text }),
  kind('node-back', { node: text }),
  picture.extend({ kind: z.literal('cluster-seen'), when: z.enum(['before', 'after']) }),
  availabilityRecord.extend({ kind: z.literal('availability') }),
  kind('run-ended', { outcome: ended, error: runError.optional() }),
  kind('rollback-started', { fencingToken: count, version: text, keepEndpoint: flag, ...approved }),
  kind('run-rolled-back', { outcome: ended, error: runError.optional() }),
])

export const event = document(
  'event',
  'One event of a run, while it is followed: `quorate convert`, `resume`, `rollback`, `drill`, `watch`.',
  {
    seq: count,
    at: time,
    run: text,
    event: events,
  },
)

export const undoAvailability = document('undo-availability', 'What clients saw of the API during a rollback.', {
  run: text,
  ways: list(availabilityRecord),
})

export const drillReport = document('drill-report', 'What users saw of a drill: `quorate drill`.', {
  run: text,
  cluster: text,
  outcome,
  verdict: text,
  scenarios: list(
    object({
      id: text,
      title: text,
      verdict: z.enum(['survived', 'failed', 'not done']),
      stopped: list(text),
      seen: list(availabilityRecord),
      longestGapMs: milliseconds.optional(),
      fullHealthSeconds: z.number().optional().describe('From the restart request until every proof held.'),
      error: runError.optional(),
    }),
  ),
})
