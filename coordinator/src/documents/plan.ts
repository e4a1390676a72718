import { z } from 'zod'
import { document } from './document.js'
import { count, evidence, flag, list, object, severity, text } from './words.js'

export const finding = object({
  id: text,
  severity,
  node: text.optional().describe('Absent for findings about the cluster.'),
  message: text,
  evidence: text,
  remedy: text,
  ignoredBecause: text.optional().describe("The operator's reason, if the cluster file ignores the finding."),
})

export const diffs = list(object({ name: text, text: text.describe('Unified diff; empty if it cannot be predicted.') }))

export const action = object({
  id: text,
  node: text,
  does: text,
  diffs,
  noWayBack: text.optional().describe('Set if the action has a point of no return: says which.'),
  outageSeconds: z
    .number()
    .optional()
    .describe('Set if the API does not answer during the action: for how long at most.'),
  elsewhere: text.optional().describe('What is left to do on machines without an agent, with the command.'),
})

export const plannedStep = object({
  id: text,
  title: text,
  actions: list(action),
  problem: text.optional().describe('Why the step could not be planned; only in a plan that findings block.'),
  unplanned: object({ code: text, where: text.optional(), remedy: text }).optional(),
})

export const missingNode = object({ node: text, message: text })

const fields = {
  cluster: text,
  endpoint: object({ host: text, port: count }),
  approvals: count.describe('How many approvers have to sign it before it may run.'),
  clusterFileHash: text.describe('SHA-256 of the cluster file as it was read, hexadecimal.'),
  steps: list(plannedStep),
  findings: list(finding),
  choices: list(text).describe('Choices that the cluster file leaves open, with the reasons.'),
  blocked: flag.describe('True if a finding of severity error is not ignored: the run would be refused.'),
  hash: text.describe('Hash of this plan: what approvers sign, and the planHash by which REST starts it.'),
  estimateSeconds: z.number(),
  noWayBack: list(text).describe('One sentence for each point of no return.'),
  elsewhere: list(text).describe('What is left to do on machines without an agent.'),
  missing: list(missingNode).describe('Workers that do not answer: their actions wait.'),
}

export const plan = document(
  'plan',
  'What a conversion would do: `quorate plan`, and before `quorate convert` asks.',
  fields,
)

const proof = object({
  id: text,
  title: text,
  holds: flag,
  evidence: list(evidence),
  findings: list(finding),
})

const verified = { cluster: text, highlyAvailable: flag, proofs: list(proof) }

export const verification = document(
  'verification',
  'Every proof on the live cluster: `quorate verify`, and after a fix.',
  verified,
)

export const fixPlan = document('fix-plan', 'What `quorate verify --fix` would do.', {
  verification: object(verified),
  offers: list(
    object({ finding, steps: list(text), noStep: text.optional().describe('Why no step fixes it.') }),
  ).describe('One for each finding that keeps the cluster from being highly available.'),
  plan: object(fields),
})

const undoStep = object({ id: text, title: text, how: text, nodes: list(text) })

export const rollbackPlan = document('rollback-plan', 'What `quorate rollback RUN` would do.', {
  run: text,
  cluster: text,
  keepEndpoint: flag,
  approvals: count.describe('How many approvers have to sign it before it may start.'),
  hash: text.describe('Hash of this plan, for its approvals.'),
  undone: list(undoStep).describe('In the order in which they are undone.'),
  stays: list(undoStep).describe('What stays unchanged, and why.'),
  quorum: list(text).describe('etcd before each member leaves.'),
  impossible: list(text).describe('Why the run cannot be undone; if not empty, nothing is undone.'),
})

export const drillPlan = document('drill-plan', 'What `quorate drill` would take down.', {
  cluster: text,
  downSeconds: count,
  restoreAfterSeconds: count,
  abrupt: flag,
  approvals: count.describe('How many approvers have to sign it before it may start.'),
  hash: text.describe('Hash of this plan: what approvers sign, and the planHash by which REST starts it.'),
  verification: object(verified),
  scenarios: list(object({ id: text, title: text, nodes: list(text) })),
})
