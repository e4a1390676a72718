import { z } from 'zod'
import { attempt, work } from './schema-attempts.js'
import { count, list, milliseconds, object, runError, text, time } from './schema-words.js'

/** The one source of the report's shape: its TypeScript type, docs/report.schema.json and REST's OpenAPI are all made from it. */

const sha256 = (absent: string) => z.string().describe(`Hexadecimal; empty where ${absent}.`)

const evidence = object({ what: text, saw: text, at: time.optional() }).describe(
  'What was looked at, what was seen, and when.',
)

const finding = object({
  id: text,
  severity: z.enum(['error', 'warning', 'info']),
  node: text.optional().describe('Absent for the cluster.'),
  message: text,
  evidence: text,
  remedy: text,
  ignoredBecause: text.optional().describe("The operator's reason, where the cluster file says to ignore it."),
})

const action = object({
  node: text,
  does: text,
  state: z.enum(['planned', 'running', 'pending', 'verified', 'failed', 'undoing', 'undone', 'undo-failed']),
  startedAt: time.optional(),
  endedAt: time.optional(),
  durationMs: milliseconds.describe('Without pauses of the run.'),
  summaries: list(text).describe('What each operation said it did.'),
  diffs: list(object({ name: text, text: text.describe('Unified diff; empty where it cannot be known before.') })),
  evidence: list(evidence),
  error: runError.optional(),
  undoError: runError.optional(),
})

const step = object({
  id: text,
  title: text,
  state: z.enum(['waiting', 'running', 'skipped', 'done', 'failed', 'undone']),
  startedAt: time.optional(),
  endedAt: time.optional(),
  durationMs: milliseconds.describe('Time that was worked on it, its undo included; pauses of the run do not count.'),
  work: list(work).describe('When it was worked on, attempt by attempt.'),
  proofs: list(evidence).describe('What was proved again just before it, because it relies on it.'),
  actions: list(action),
})

const counts = {
  asked: count.describe('0: it could not be watched.'),
  failed: count,
  longestGapMs: milliseconds.describe('The longest time between two good answers.'),
}
const way = object({
  during: text.describe('Step that was being done.'),
  place: text.describe('Node that asked.'),
  target: text.describe(
    '`endpoint`, the name of a control plane (its own API server), `write`, or what pods use: `service-kubernetes`, `cluster-dns`.',
  ),
  from: time,
  to: time,
  ...counts,
  stalledMs: count.optional().describe('How long the machine that asked stood still itself; in no gap.'),
  outages: list(object({ from: time, to: time, error: text })),
})
const availability = object({
  total: object(counts),
  steps: list(object({ step: text, ...counts, ways: list(way) })),
}).describe('What users saw of the API: of the whole run, and of each step in which somebody was asked.')

const picture = object({
  connections: list(
    object({
      node: text,
      component: text,
      to: text.describe('`endpoint`, or the name of the control plane whose own API server it is.'),
    }),
  ),
  members: list(
    object({
      id: text,
      name: text,
      peerUrl: text,
      learner: z.boolean(),
      leader: z.boolean(),
      version: text.describe('Empty when it does not answer.'),
    }),
  ),
  certificates: list(
    object({ node: text, path: text, subject: text, serial: text, sans: list(text), notAfter: time, ca: z.boolean() }),
  ),
  backends: list(text).describe("Control planes that the configuration of Quorate's own load balancer leads to."),
  silent: list(text).describe('Nodes whose connections could not be seen.'),
}).describe('The cluster at one moment: what its components were connected to, as the kernel of each node says.')

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
  diff: text.optional().describe('The change as it was planned, where its text could be known before.'),
})

export const reportSchema = object({
  format: z.literal('quorate.report/v1'),
  run: text,
  cluster: text,
  purpose: z.enum(['conversion', 'fix', 'drill']),
  outcome: z.enum(['running', 'done', 'failed', 'interrupted', 'abandoned', 'rolled-back', 'damaged']),
  headline: text.describe('How it ended, in a word or two.'),
  verdict: text,
  error: runError.optional(),
  startedAt: time,
  endedAt: time.optional(),
  durationMs: milliseconds.describe('From its start to its end, pauses included.'),
  workedMs: milliseconds.describe('The same without the pauses.'),
  attempts: list(attempt).describe('What each process did of it: the first one, those that resumed it, its rollbacks.'),
  pauses: list(object({ from: time, to: time, durationMs: milliseconds })).describe(
    'Between two attempts: nobody worked on it.',
  ),
  version: text,
  planHash: text,
  site: site.optional().describe('What the cluster file says; absent where the journal has none.'),
  findings: list(finding).describe('All that the checks found before the run; of a fix, what no step mends.'),
  steps: list(step),
  availability,
  seen: object({ before: picture.optional(), after: picture.optional() }),
  touched: list(touch).describe('Every file and object that an operation wrote.'),
  proof: list(evidence).describe('What the proof of high availability saw.'),
  backups: list(evidence),
  ignored: z
    .record(z.string(), z.string())
    .describe('Findings that the cluster file says to ignore, with the reasons.'),
  missing: list(
    object({
      node: text,
      message: text,
      since: time,
      waits: list(object({ step: text, does: text })),
    }),
  ).describe('Nodes that it went on without, and what waits for them.'),
  elsewhere: list(text).describe('What is left for a person to do where no agent is, with the command.'),
  undo: list(object({ step: text, how: text, nodes: list(text) })).describe('By hand, in the order to do it in.'),
}).describe('A run of Quorate as a document: what was promised, done, seen and touched.')

/** A run as a document. Plain data; every text is made from it. */
export type RunReport = z.infer<typeof reportSchema>
export type ReportedStep = RunReport['steps'][number]
export type ReportedAction = ReportedStep['actions'][number]
export type ReportedAttempt = RunReport['attempts'][number]
export type ReportedTouch = RunReport['touched'][number]
export type ReportedFinding = RunReport['findings'][number]
export type ReportedPicture = NonNullable<RunReport['seen']['after']>
export type ReportedAvailability = RunReport['availability']
export type ReportedWay = ReportedAvailability['steps'][number]['ways'][number]
export type ReportedSite = NonNullable<RunReport['site']>

/** The report's JSON Schema (2020-12). */
export function reportJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(reportSchema, {
    override({ jsonSchema }) {
      delete jsonSchema.readOnly // true of the type in TypeScript, and of no use to who reads JSON
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    },
  })
}
