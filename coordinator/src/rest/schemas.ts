import { reportJsonSchema } from '../report/schema.js'

/** JSON Schemas (2020-12, as OpenAPI 3.1 has them) of what goes over the wire. `$id` is their name in the document. */

const text = { type: 'string' } as const
const integer = { type: 'integer' } as const
const time = { type: 'integer', description: 'Unix time in milliseconds.' } as const
const object = <const P extends Record<string, unknown>>(properties: P, required: readonly (keyof P & string)[]) =>
  ({ type: 'object', properties, required, additionalProperties: true }) as const
const listOf = (items: unknown) => ({ type: 'array', items }) as const
const ref = (id: string) => ({ $ref: `${id}#` }) as const

const errorBody = {
  $id: 'Error',
  ...object({ code: text, message: text, where: text, remedy: text, correlationId: text }, [
    'code',
    'message',
    'where',
    'remedy',
  ]),
}

const finding = {
  $id: 'Finding',
  ...object(
    {
      id: text,
      severity: { type: 'string', enum: ['error', 'warning', 'info'] },
      node: { type: 'string', description: 'Absent for the cluster.' },
      message: text,
      evidence: text,
      remedy: text,
      ignoredBecause: {
        type: 'string',
        description: "The operator's reason, where the cluster file says to ignore it.",
      },
    },
    ['id', 'severity', 'message', 'evidence', 'remedy'],
  ),
}

const action = {
  $id: 'Action',
  ...object(
    {
      id: text,
      node: text,
      does: text,
      diffs: listOf(object({ name: text, text }, ['name', 'text'])),
      noWayBack: { type: 'string', description: 'Set where it cannot be undone from a moment on: says which.' },
      outageSeconds: {
        type: 'integer',
        description: 'Set where the API does not answer meanwhile: for how long at most.',
      },
      elsewhere: { type: 'string', description: 'What a person does then where no agent is, with the command.' },
    },
    ['id', 'node', 'does', 'diffs'],
  ),
}

const plannedStep = {
  $id: 'PlannedStep',
  ...object({ id: text, title: text, actions: listOf(ref('Action')) }, ['id', 'title', 'actions']),
}

const plan = {
  $id: 'Plan',
  ...object(
    {
      cluster: text,
      steps: listOf(ref('PlannedStep')),
      findings: listOf(ref('Finding')),
      choices: { ...listOf(text), description: 'What was chosen where the cluster file leaves it open, and why.' },
      blocked: {
        type: 'boolean',
        description: 'A finding of severity error is not ignored: the run would be refused.',
      },
      hash: { type: 'string', description: 'What POST /v1/runs wants as planHash.' },
      estimateSeconds: { type: 'number' },
      noWayBack: listOf(text),
      elsewhere: listOf(text),
      missing: {
        ...listOf(object({ node: text, message: text }, ['node', 'message'])),
        description: 'Workers that do not answer: what is due on them waits.',
      },
    },
    [
      'cluster',
      'steps',
      'findings',
      'choices',
      'blocked',
      'hash',
      'estimateSeconds',
      'noWayBack',
      'elsewhere',
      'missing',
    ],
  ),
}

const runSummary = {
  $id: 'RunSummary',
  ...{
    ...object(
      {
        id: text,
        cluster: text,
        outcome: {
          type: 'string',
          enum: ['running', 'done', 'failed', 'interrupted', 'abandoned', 'rolled-back', 'damaged'],
        },
        startedAt: time,
        endedAt: time,
        planHash: text,
        version: text,
        error: ref('Error'),
        missing: {
          ...listOf(object({ node: text, message: text, since: time }, ['node', 'message', 'since'])),
          description: 'Nodes that it went on without; what is due on them waits.',
        },
      },
      ['id', 'cluster', 'outcome', 'startedAt', 'planHash', 'version', 'missing'],
    ),
    additionalProperties: false,
  },
}

const run = {
  $id: 'Run',
  ...object(
    {
      ...runSummary.properties,
      clusterFile: text,
      fencingToken: integer,
      seq: { type: 'integer', description: 'Number of the last event.' },
      ignored: { type: 'object', additionalProperties: text },
      steps: listOf(
        object(
          {
            id: text,
            title: text,
            state: text,
            startedAt: time,
            endedAt: time,
            actions: listOf({ type: 'object', additionalProperties: true }),
          },
          ['id', 'title', 'state', 'actions'],
        ),
      ),
    },
    ['id', 'cluster', 'outcome', 'startedAt', 'planHash', 'version', 'steps', 'seq'],
  ),
}

const undoStep = object({ id: text, title: text, how: text, nodes: listOf(text) }, ['id', 'title', 'how', 'nodes'])

const rollbackPlan = {
  $id: 'RollbackPlan',
  ...object(
    {
      run: text,
      cluster: text,
      undone: listOf(undoStep),
      stays: listOf(undoStep),
      quorum: listOf(text),
      impossible: { ...listOf(text), description: 'Why it cannot be done: then nothing is.' },
    },
    ['run', 'cluster', 'undone', 'stays', 'quorum', 'impossible'],
  ),
}

const node = {
  $id: 'Node',
  ...object(
    {
      name: text,
      address: { type: 'string', description: 'host:port of its agent.' },
      reachable: { type: 'boolean' },
      agentVersion: text,
      kubernetesVersion: text,
      clockOffsetMs: { type: 'number', description: "This node's clock minus the coordinator's." },
      certificateExpiresAt: time,
      problem: object({ code: text, message: text, remedy: text }, ['code', 'message', 'remedy']),
    },
    ['name', 'address', 'reachable', 'certificateExpiresAt'],
  ),
}

// Which dialect it is in is said once for the whole document.
const { $schema: _, ...report } = reportJsonSchema()
const runReport = { $id: 'RunReport', ...report }

/** All, for `app.addSchema`. */
export const schemas = [errorBody, finding, action, plannedStep, plan, runSummary, run, runReport, rollbackPlan, node]

const failure = (description: string) => ({ description, ...ref('Error') })

/** What every route that needs credentials may answer besides its own. */
export const failures = {
  401: failure('No valid token or client certificate.'),
  403: failure('The role is not enough.'),
  '4xx': failure('The request cannot be done; code and remedy say why.'),
  '5xx': failure('A node does not answer as it should, or a defect of ours (then without details).'),
}

export const refTo = ref
export const arrayOf = listOf
