import type { Proof } from '@quorate/coordinator/conversion/context/proof'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { newRunId } from '@quorate/coordinator/engine/run-id'
import type { Agent } from '@quorate/coordinator/fleet/agent'
import type { Session } from '@quorate/coordinator/runs/context/session'
import { type ApprovalKind, parseApproval, type SignedApproval } from '@quorate/shared/approval'
import { ClusterFacts, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { RunId } from '@quorate/shared/names'
import t, { type Test } from 'tap'
import { readPlanDocument } from '../../../../coordinator/src/cli/plan-document.js'
import { makeStyle } from '../../../../coordinator/src/cli/render/style.js'
import { accessTable } from '../../../../coordinator/src/rest/access-table.js'
import { againstSchema } from '../../../support/published-schemas.js'
import { clusterFile as unapproved } from '../../../support/rest-session.js'
import { operationsOf, servedRest } from '../../../support/served-rest.js'

const clusterFile = `${unapproved}policy: {approvals: 2}\n`
const drill = { only: ['api-server'], downSeconds: 1 }

/** How one route starts a run, and how its plan is read and approved. */
interface Start {
  readonly kind: ApprovalKind
  /** Whether the cluster has something to fix. */
  readonly broken?: true
  readonly plan: { readonly method: 'GET' | 'POST'; readonly url: string; readonly body?: object }
  /** What POST /v1/approvals takes beside the approval. */
  approves(run: RunId): object
  starts(planHash: string): object
}

/** Every route that starts a run, by its name in the table of roles. */
const starts: Readonly<Record<string, Start>> = {
  'POST /v1/runs': {
    kind: 'convert',
    plan: { method: 'POST', url: '/v1/plans', body: { clusterFile } },
    approves: () => ({ clusterFile }),
    starts: (planHash) => ({ clusterFile, planHash }),
  },
  'POST /v1/fixes': {
    kind: 'fix',
    broken: true,
    plan: { method: 'POST', url: '/v1/fixes/plan', body: { clusterFile } },
    approves: () => ({ clusterFile }),
    starts: (planHash) => ({ clusterFile, planHash }),
  },
  'POST /v1/drills': {
    kind: 'drill',
    plan: { method: 'POST', url: '/v1/drills/plan', body: { clusterFile, drill } },
    approves: () => ({ clusterFile, drill }),
    starts: (planHash) => ({ clusterFile, planHash, drill }),
  },
  'POST /v1/runs/:id/rollback': {
    kind: 'rollback',
    plan: { method: 'GET', url: '/v1/runs/:id/rollback' },
    approves: (run) => ({ run }),
    starts: (planHash) => ({ planHash }),
  },
}
/** It continues what its journal proves was approved: there is no plan to approve. */
const resume = 'POST /v1/runs/:id/resume'

/** Agents that know their facts and the Nodes of the cluster. */
const agent = ({ name }: { name: string }) =>
  ({
    node: name,
    read: async (method: string) => ({
      facts:
        method === 'getClusterFacts'
          ? ClusterFacts.fromPartial({ nodes: [1, 2, 3].map((one) => ({ name: `k8smaster${one}.example.com` })) })
          : NodeFacts.fromPartial({ agentVersion: '0.1.0', clockUnixMs: Date.now() }),
    }),
  }) as unknown as Agent

/** A cluster with one proof, and the one step that makes it hold again. */
function toyCluster(broken = false): Partial<Session> {
  const found = { id: 'toy', severity: 'error', message: 'm', evidence: 'e', remedy: 'r' } as const
  const proof: Proof = {
    ...{ id: 'toy', title: 'Toy', foreseen: [] },
    prove: async () => ({ evidence: [], findings: broken ? [found] : [] }),
  }
  const step: ConversionStep = {
    ...{ id: 'fix-toy', title: 'Fix the toy', gate: 'g', undo: 'u', width: 1, fixes: [proof] },
    plan: async () => (broken ? [{ id: 'a', node: 'k8smaster1.example.com', does: 'fix it', diffs: [] }] : []),
    apply: async () => undefined,
    verify: async () => [],
    rollback: { nothingToUndo: 'x' },
  }
  const connect = () => ({ agent, close: () => {} }) as unknown as ReturnType<Session['connect']>
  return { connect, order: [step], proofs: [proof] }
}

async function served(t: Test, { broken, ...parts }: { broken?: true } & Partial<Session> = {}) {
  const rest = await servedRest(t, { ...toyCluster(broken), ...parts })
  const [operator, approver] = [await rest.as('olga', 'operator'), await rest.as('machine', 'approver')]
  return { ...rest, operator, approver }
}

interface Written {
  readonly text: string
  readonly approvals?: readonly SignedApproval[]
  readonly ended?: boolean
  readonly hoursAgo?: number
}

/** Writes the journal of a run: whole, or one that stopped before its first step. */
async function writeRun({ runs }: Session, { text, approvals, ended = false, hoursAgo = 0 }: Written): Promise<RunId> {
  const id = newRunId(Date.now() - hoursAgo * 3_600_000)
  const journal = await runs.create(id)
  await journal.append({
    ...{ kind: 'run-started', cluster: 'prod', planHash: 'a'.repeat(64), fencingToken: 1, version: '0.1.0' },
    ...{ clusterFile: text, steps: [], ignored: {} },
    ...(approvals === undefined ? {} : { approvals }),
  })
  if (ended) await journal.append({ kind: 'run-ended', outcome: 'done' })
  await journal.close()
  return id
}

const purposes: Readonly<Record<string, string>> = { fix: 'fix', drill: 'drill' }

t.test('the table has every route that starts or continues a run, each for operators alone', async (t) => {
  const { operator } = await served(t)
  const starting = [...(await operationsOf(operator))].filter(([, { responses }]) => '202' in responses)
  const routes = [...Object.keys(starts), resume].sort()
  t.same(starting.map(([route]) => route).sort(), routes)
  for (const route of routes) t.same(accessTable[route], ['operator'], route)
})

for (const [route, { kind, broken, plan, approves, starts: body }] of Object.entries(starts))
  t.test(`${route} refuses a plan that was not approved, and starts it when two have signed`, async (t) => {
    const { session, fleet, operator, approver } = await served(t, broken === undefined ? {} : { broken })
    const run = await writeRun(session, { text: clusterFile, ended: true })
    const ofRun = (url: string) => url.replace(':id', run)
    const [method, path = ''] = route.split(' ') as ['POST', string]

    const shown = await approver(plan.method, ofRun(plan.url), plan.body)
    t.equal(shown.statusCode, 200, shown.body)
    t.same(againstSchema(shown.json()), [])
    const { plan: about } = readPlanDocument(shown.body, 'plan.json', makeStyle(false))
    t.match([about.cluster, about.kind], ['prod', kind], '`quorate approve --plan` reads it')
    const start = () => operator(method, ofRun(path), body(about.planHash))
    const lacking = async (says: RegExp) =>
      t.match(
        [(await start()).statusCode, (await start()).json()],
        [422, { code: 'APPROVALS_MISSING', message: says, remedy: new RegExp(`quorate approve ${about.planHash} `) }],
      )
    await lacking(/^0 of 2 approvals/)
    if (kind === 'drill')
      t.match((await start()).json().remedy, / --drill --only api-server --down-for 1 --identity DIR$/)

    const give = (name: string) =>
      approver('POST', '/v1/approvals', { ...approves(run), approval: fleet.sign(about, fleet.person(name)) })
    t.match((await give('alice')).json(), { approver: 'alice', kind, planHash: about.planHash })
    await lacking(/^1 of 2 approvals.*\(alice\)$/)
    t.match((await operator('GET', '/v1/approvals')).json(), [{ kind, planHash: about.planHash, approver: 'alice' }])
    t.equal((await session.runs.list()).length, 1, 'nothing was started')

    await give('bob')
    const started = await start()
    t.equal(started.statusCode, 202, started.body)
    const { id } = started.json() as { id: string }
    const { approvals } = (await operator('GET', `/v1/runs/${id}`)).json() as { approvals: SignedApproval[] }
    const signed = approvals.map(({ statement }) => parseApproval(statement))
    t.match(signed.map(({ approver }) => approver).sort(), ['alice', 'bob'])
    t.ok(
      signed.every((one) => one.kind === kind && one.planHash === about.planHash),
      'they are in the journal',
    )
    if (kind !== 'rollback')
      t.match((await session.runs.read(id as RunId))[0]?.event, {
        kind: 'run-started',
        startedBy: 'token olga',
        ...(purposes[kind] === undefined ? {} : { purpose: purposes[kind] }),
      })
  })

t.test(`${resume} refuses a run whose journal has no approvals, and continues one that was approved`, async (t) => {
  const { session, fleet, operator } = await served(t)
  const continued = (run: RunId) => operator('POST', resume.slice(5).replace(':id', run), { acceptChanges: true })
  const lacking = await continued(await writeRun(session, { text: clusterFile }))
  t.match([lacking.statusCode, lacking.json()], [422, { code: 'APPROVALS_MISSING', message: /has 0 of the 2/ }])
  const about = { cluster: 'prod', kind: 'convert', planHash: 'a'.repeat(64) } as const
  const approvals = ['alice', 'bob'].map((name) => fleet.sign(about, fleet.person(name)))
  const approved = await continued(await writeRun(session, { text: clusterFile, approvals }))
  t.equal(approved.statusCode, 202, approved.body)
})

t.test('a server that requires approvals does not resume a run that began without', async (t) => {
  const { session, operator } = await served(t, { leastApprovals: 1 })
  const run = await writeRun(session, { text: unapproved })
  const refused = await operator('POST', `/v1/runs/${run}/resume`, { acceptChanges: true })
  t.match([refused.statusCode, refused.json()], [422, { code: 'APPROVALS_MISSING', message: /has 0 of the 1/ }])
})

t.test('a run that began before its cluster required approvals is not resumed without', async (t) => {
  const { session, operator } = await served(t)
  const old = await writeRun(session, { text: unapproved, hoursAgo: 1 })
  await writeRun(session, { text: clusterFile, ended: true })
  const refused = await operator('POST', `/v1/runs/${old}/resume`, { acceptChanges: true })
  t.match([refused.statusCode, refused.json()], [422, { code: 'APPROVALS_MISSING', message: /has 0 of the 2/ }])
})

t.test('where the server alone requires approvals, its remedy signs the plan that it returned', async (t) => {
  const { operator, approver } = await served(t, { leastApprovals: 1 })
  const shown = await approver('POST', '/v1/plans', { clusterFile: unapproved })
  const { plan } = readPlanDocument(shown.body, 'plan.json', makeStyle(false))
  const refused = await operator('POST', '/v1/runs', { clusterFile: unapproved, planHash: plan.planHash })
  t.match(refused.json(), {
    code: 'APPROVALS_MISSING',
    remedy: new RegExp(`quorate approve ${plan.planHash} --plan plan\\.json --identity DIR$`),
  })
})

t.test('what would be done otherwise than was read is neither started nor approved', async (t) => {
  const { session, fleet, operator, approver } = await served(t)
  const { hash: planHash } = (await approver('POST', '/v1/drills/plan', { clusterFile, drill })).json()
  const approval = fleet.sign({ cluster: 'prod', kind: 'drill', planHash }, fleet.person('alice'))
  const longer = { ...drill, downSeconds: 2 }
  for (const answer of [
    await operator('POST', '/v1/drills', { clusterFile, planHash, drill: longer }),
    await approver('POST', '/v1/approvals', { clusterFile, drill: longer, approval }),
  ])
    t.match([answer.statusCode, answer.json()], [409, { code: 'PLAN_CHANGED' }])
  t.same(await session.runs.list(), [])
  const run = await writeRun(session, { text: unapproved, ended: true })
  const undo = await operator('POST', `/v1/runs/${run}/rollback`, { planHash })
  t.match([undo.statusCode, undo.json()], [409, { code: 'PLAN_CHANGED' }])
})

t.test(
  'a fix of a cluster that needs none, and a drill of one that would not survive it, cannot be approved',
  async (t) => {
    const nothing = { cluster: 'prod', planHash: 'a'.repeat(64) }
    for (const [kind, broken] of [
      ['fix', undefined],
      ['drill', true],
    ] as const) {
      const { fleet, approver } = await served(t, broken === undefined ? {} : { broken })
      const approval = fleet.sign({ ...nothing, kind }, fleet.person('alice'))
      const refused = await approver('POST', '/v1/approvals', { clusterFile, approval })
      t.match([refused.statusCode, refused.json()], [422, { code: 'NOT_HIGHLY_AVAILABLE' }], kind)
    }
  },
)

t.test(
  'a drill that leaves its nodes no time, or of an unknown scenario, is a 400 that says what to send',
  async (t) => {
    const { approver } = await served(t)
    const plan = (drill: object) => approver('POST', '/v1/drills/plan', { clusterFile, drill })
    t.match((await plan({ downSeconds: 20, restoreAfterSeconds: 21 })).json(), {
      code: 'USAGE',
      message: /leaves no time/,
      remedy: /at least 25 s/,
    })
    for (const wrong of [{ only: ['everything'] }, { only: [] }, { downSeconds: 121 }, { more: 1 }])
      t.match([(await plan(wrong)).statusCode, (await plan(wrong)).json()], [400, { code: 'USAGE' }])
  },
)
