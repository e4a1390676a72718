import { reportJsonSchema } from '../report/schema.js'

/** JSON Schemas (2020-12, as in OpenAPI 3.1) of requests and responses. `$id` is their name in the document. */

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
      node: { type: 'string', description: 'Absent for findings about the cluster.' },
      message: text,
      evidence: text,
      remedy: text,
      ignoredBecause: {
        type: 'string',
        description: "The operator's reason, if the cluster file ignores the finding.",
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
      noWayBack: { type: 'string', description: 'Set if the action has a point of no return: says which.' },
      outageSeconds: {
        type: 'integer',
        description: 'Set if the API does not answer during the action: for how long at most.',
      },
      elsewhere: { type: 'string', description: 'What is left to do on machines without an agent, with the command.' },
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
      choices: { ...listOf(text), description: 'Choices that the cluster file leaves open, with the reasons.' },
      blocked: {
        type: 'boolean',
        description: 'True if a finding of severity error is not ignored: the run would be refused.',
      },
      hash: { type: 'string', description: 'The planHash for POST /v1/runs.' },
      estimateSeconds: { type: 'number' },
      noWayBack: listOf(text),
      elsewhere: listOf(text),
      missing: {
        ...listOf(object({ node: text, message: text }, ['node', 'message'])),
        description: 'Workers that do not answer: their actions wait.',
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
          description: 'Nodes that the run continued without; their actions wait.',
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
      impossible: { ...listOf(text), description: 'Why the run cannot be undone; if not empty, nothing is undone.' },
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

// The document states the dialect once for all schemas.
const { $schema: _, ...report } = reportJsonSchema()
const runReport = { $id: 'RunReport', ...report }

/** All, for `app.addSchema`. */
export const schemas = [errorBody, finding, action, plannedStep, plan, runSummary, run, runReport, rollbackPlan, node]

const failure = (description: string) => ({ description, ...ref('Error') })

/** The error responses of every route that needs credentials. */
export const failures = {
  401: failure('No valid token or client certificate.'),
  403: failure('The role does not permit this.'),
  '4xx': failure('The request is refused; see code and remedy.'),
  '5xx': failure('A node fails to answer correctly, or this is a bug in Quorate (then without details).'),
}

export const refTo = ref
export const arrayOf = listOf
