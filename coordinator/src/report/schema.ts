import { z } from 'zod'
import { document } from '../documents/document.js'
import { diffs, finding } from '../documents/plan.js'
import { availabilityRecord, counts, picture, waitingNodes } from '../documents/run.js'
import {
  actionState,
  evidence,
  list,
  milliseconds,
  object,
  outcome,
  runError,
  stepState,
  text,
  time,
} from '../documents/words.js'
import { attempt, work } from './schema-attempts.js'

/** The single source of the report's schema: its TypeScript type, docs/schemas/report.schema.json and REST's OpenAPI are derived from it. */

const sha256 = (absent: string) => z.string().describe(`Hexadecimal; empty if ${absent}.`)

const action = object({
  node: text,
  does: text,
  state: actionState,
  startedAt: time.optional(),
  endedAt: time.optional(),
  durationMs: milliseconds.describe('Without pauses of the run.'),
  summaries: list(text).describe('Summary of each operation.'),
  diffs,
  evidence: list(evidence),
  error: runError.optional(),
  undoError: runError.optional(),
})

const step = object({
  id: text,
  title: text,
  state: stepState,
  startedAt: time.optional(),
  endedAt: time.optional(),
  durationMs: milliseconds.describe('Time worked on the step, including its undo, without pauses of the run.'),
  work: list(work).describe('The work on the step, by attempt.'),
  proofs: list(evidence).describe('Preconditions, verified again just before the step.'),
  actions: list(action),
})

const availability = object({
  total: object(counts),
  steps: list(object({ step: text, ...counts, ways: list(availabilityRecord) })),
}).describe('What users saw of the API: in the whole run, and in each step with requests.')

const site = object({
  endpoint: text,
  virtualIP: text.optional(),
  loadBalancer: text,
  nodes: list(object({ name: text, address: text, role: z.enum(['control-plane', 'worker']) })),
})

const touch = object({
  step: text,
  node: text,
  name: text,
  sha256Before: sha256('it did not exist'),
  sha256After: sha256('it was removed'),
  diff: text.optional().describe('The planned change, if its text could be predicted.'),
})

export const reportDocument = document(
  'report',
  'A run as a document: what was planned, done, observed and touched: `quorate report RUN`.',
  {
    format: z.literal('quorate.report/v2'),
    run: text,
    cluster: text,
    purpose: z.enum(['conversion', 'fix', 'drill']),
    outcome,
    headline: text.describe('The outcome in a word or two.'),
    verdict: text,
    error: runError.optional(),
    startedAt: time,
    endedAt: time.optional(),
    durationMs: milliseconds.describe('From start to end, including pauses.'),
    workedMs: milliseconds.describe('From start to end, without pauses.'),
    attempts: list(attempt).describe(
      'The work of each process on the run: the first one, those that resumed it, its rollbacks.',
    ),
    pauses: list(object({ from: time, to: time, durationMs: milliseconds })).describe(
      'The times between two attempts, without work on the run.',
    ),
    version: text,
    planHash: text,
    site: site.optional().describe('From the cluster file; absent if the journal has none.'),
    findings: list(finding).describe('The findings before the run; for a fix, those that no step fixes.'),
    steps: list(step),
    availability,
    seen: object({ before: picture.optional(), after: picture.optional() }),
    touched: list(touch).describe('Every file and object that an operation wrote or removed.'),
    proof: list(evidence).describe('Evidence of the proof of high availability.'),
    backups: list(evidence),
    ignored: z.record(z.string(), z.string()).describe('Findings that the cluster file ignores, with the reasons.'),
    missing: waitingNodes,
    elsewhere: list(text).describe('What is left to do on machines without an agent, with the command.'),
    undo: list(object({ step: text, how: text, nodes: list(text) })).describe(
      'How to undo the run by hand, in this order.',
    ),
  },
)

/** A run as a document. Plain data; text and HTML are made from it. */
export type RunReport = z.output<typeof reportDocument.fields>
export type ReportedStep = RunReport['steps'][number]
export type ReportedAction = ReportedStep['actions'][number]
export type ReportedAttempt = RunReport['attempts'][number]
export type ReportedTouch = RunReport['touched'][number]
export type ReportedFinding = RunReport['findings'][number]
export type ReportedPicture = NonNullable<RunReport['seen']['after']>
export type ReportedAvailability = RunReport['availability']
export type ReportedWay = ReportedAvailability['steps'][number]['ways'][number]
export type ReportedSite = NonNullable<RunReport['site']>
