import { parseClusterFile } from '@quorate/coordinator/config/parse-cluster-file'
import { foldRun } from '@quorate/coordinator/engine/fold'
import { giveApproval } from '@quorate/coordinator/runs/approvals/give'
import { listRuns, readRun } from '@quorate/coordinator/runs/context/read-runs'
import type { Session } from '@quorate/coordinator/runs/context/session'
import { startConversion } from '@quorate/coordinator/runs/convert'
import { type Plan, planConversion } from '@quorate/coordinator/runs/plan'
import { resumeConversion } from '@quorate/coordinator/runs/resume'
import { planRollback, startRollback } from '@quorate/coordinator/runs/rollback'
import { approvalText, type SignedApproval } from '@quorate/shared/approval'
import { createFleetCa, createIssuer, issueCertificate } from '@quorate/shared/issue-certificate'
import t, { type Test } from 'tap'
import { type Approvers, approversOf, operator } from '../../../support/approvers.js'
import { clusterFile, restSession, writeRun } from '../../../support/rest-session.js'

const fileText = `${clusterFile}policy: {approvals: 2}\n`
const file = parseClusterFile(fileText, 'cluster.yaml')

interface Made {
  readonly session: Session
  readonly fleet: Approvers
  readonly plan: Plan
  /** What is approved. */
  readonly about: { readonly cluster: string; readonly kind: 'convert'; readonly planHash: string }
  start(by?: typeof operator): ReturnType<typeof startConversion>
}

async function made(t: Test, parts: Partial<Session> = {}): Promise<Made> {
  const fleet = approversOf(t)
  const session = restSession({ approvals: fleet.approvals, ...parts })
  const plan = await planConversion(session, file)
  return {
    ...{ session, fleet, plan, about: { cluster: 'prod', kind: 'convert', planHash: plan.hash } },
    start: (by = operator) => startConversion(session, { file, fileText, approved: plan, by }),
  }
}

t.test('a run starts when two have approved its plan, and its journal proves it', async (t) => {
  const { session, fleet, about, plan, start } = await made(t)
  t.equal(plan.approvals, 2)
  await t.rejects(start(), {
    code: 'APPROVALS_MISSING',
    message: `0 of 2 approvals of plan ${plan.hash}`,
    remedy: /quorate approve [0-9a-f]{64} -f cluster\.yaml/,
  })
  await giveApproval(session, fleet.sign(about, fleet.person('alice')), about)
  await t.rejects(start(), { code: 'APPROVALS_MISSING', message: /^1 of 2 .*\(alice\)$/ })
  const bobs = fleet.sign(about, fleet.person('bob'))
  await giveApproval(session, bobs, about)
  const { id, ended } = await start()
  t.equal((await ended).outcome, 'done')
  const state = await readRun(session, id)
  t.equal(state.startedBy, operator.who)
  t.same(
    state.approvals.map(({ statement }) => /approver (\w+)/.exec(statement)?.[1]).sort(),
    ['alice', 'bob'],
    'who approved is in the journal',
  )
  t.ok(state.approvals.some(({ signature }) => signature === bobs.signature))

  await t.rejects(start(), { code: 'APPROVALS_MISSING', message: new RegExp(`was used by run ${id}`) }, 'one run each')
  await t.rejects(giveApproval(session, bobs, about), { code: 'APPROVAL_INVALID', message: /was used by run/ })
})

/** Each is a way to one approval more than there are approvers. */
const forgeries: Readonly<
  Record<string, { forge(made: Made): SignedApproval; code?: 'APPROVAL_INVALID' | 'PLAN_CHANGED'; says: RegExp }>
> = {
  "signed with the operator's key": {
    forge: ({ fleet, about }) => fleet.sign(about, fleet.person('olga', 'operator')),
    says: /has the role operator, not approver/,
  },
  "signed with the operator's key, with an approver's certificate": {
    forge: ({ fleet, about }) => ({
      ...fleet.sign(about, fleet.person('olga', 'operator'), { approver: 'bob' }),
      certificate: fleet.person('bob').certPem,
    }),
    says: /its signature is not that of bob's key/,
  },
  'of a node': {
    forge: ({ fleet, about }) =>
      fleet.sign(
        about,
        issueCertificate({
          ...{ ca: fleet.ca, commonName: 'node1', organizations: ['quorate:node'], dnsNames: [], ipAddresses: [] },
          ...{ days: 90, usage: 'both' },
        }),
      ),
    says: /not approver/,
  },
  'of an approver whose certificate has expired': {
    forge: ({ fleet, about }) => fleet.sign(about, fleet.person('bob', 'approver', -1)),
    says: /the certificate of bob expired/,
  },
  'by the approver of another fleet': {
    forge: ({ fleet, about }) => {
      const ca = createFleetCa('another')
      const subject = { commonName: 'bob', organizations: ['quorate:approver'], dnsNames: [], ipAddresses: [] }
      return fleet.sign(about, issueCertificate({ ca, ...subject, days: 90, usage: 'client' }))
    },
    says: /was not issued by the root of this fleet/,
  },
  'by an approver that the issuer made, which every operator has': {
    forge({ fleet, about }) {
      const ca = createIssuer(fleet.ca)
      const subject = { commonName: 'bob', organizations: ['quorate:approver'], dnsNames: [], ipAddresses: [] }
      const { certPem, keyPem } = issueCertificate({ ca, ...subject, days: 90, usage: 'client' })
      return fleet.sign(about, { certPem: certPem + ca.certPem, keyPem })
    },
    says: /was not issued by the root of this fleet/,
  },
  'of another fleet, by an approver of both': {
    forge: ({ fleet, about }) => fleet.sign(about, fleet.person('bob'), { fleet: `sha256:${'0'.repeat(64)}` }),
    says: /of another fleet/,
  },
  'in the name of another approver': {
    forge: ({ fleet, about }) => fleet.sign(about, fleet.person('bob'), { approver: 'carol' }),
    says: /it names carol, its certificate bob/,
  },
  'of another cluster': {
    forge: ({ fleet, about }) => fleet.sign({ ...about, cluster: 'test' }, fleet.person('bob')),
    says: /of cluster test, not of prod/,
  },
  'of another kind of run': {
    forge: ({ fleet, about }) => fleet.sign({ ...about, kind: 'drill' }, fleet.person('bob')),
    says: /of a drill, not of a convert/,
  },
  'of another plan': {
    forge: ({ fleet, about }) => fleet.sign({ ...about, planHash: 'a'.repeat(64) }, fleet.person('bob')),
    code: 'PLAN_CHANGED',
    says: /the current plan is/,
  },
  'of another plan, with its hash changed afterwards': {
    forge({ fleet, about }) {
      const other = fleet.sign({ ...about, planHash: 'a'.repeat(64) }, fleet.person('bob'))
      return { ...other, statement: other.statement.replace('a'.repeat(64), about.planHash) }
    },
    says: /its signature is not that of bob's key/,
  },
  'that has expired': {
    forge: ({ fleet, about }) =>
      fleet.sign(about, fleet.person('bob'), { until: Date.now() - 1, at: Date.now() - 999 }),
    says: /it expired on/,
  },
  'for a year': {
    forge: ({ fleet, about }) => fleet.sign(about, fleet.person('bob'), { until: Date.now() + 365 * 86_400_000 }),
    says: /longer than 168 hours/,
  },
  'of tomorrow': {
    forge: ({ fleet, about }) =>
      fleet.sign(about, fleet.person('bob'), { at: Date.now() + 86_400_000, until: Date.now() + 2 * 86_400_000 }),
    says: /has not come yet/,
  },
  'written in another way': {
    forge({ fleet, about }) {
      const signed = fleet.sign(about, fleet.person('bob'))
      return { ...signed, statement: `${signed.statement}\n` }
    },
    says: /not a statement in the form of an approval/,
  },
}

for (const [how, { forge, code = 'APPROVAL_INVALID', says }] of Object.entries(forgeries)) {
  t.test(`an approval ${how} is refused, and does not count where it was put into the folder`, async (t) => {
    const all = await made(t)
    const { session, fleet, about, start } = all
    await giveApproval(session, fleet.sign(about, fleet.person('alice')), about)
    const forged = forge(all)
    await t.rejects(giveApproval(session, forged, about), { code, message: says })
    await fleet.approvals.store.add(forged)
    await t.rejects(start(), { code: 'APPROVALS_MISSING', message: /^1 of 2 .*\(alice\)/ })
    t.same(await listRuns(session), [], 'nothing was started')
  })
}

t.test('one approver counts once, whatever the name, and not for a run of their own', async (t) => {
  const { session, fleet, about, start } = await made(t)
  const alice = fleet.person('alice')
  await giveApproval(session, fleet.sign(about, alice), about)
  const again = fleet.sign(about, alice, { until: Date.now() + 7_200_000 })
  await t.rejects(giveApproval(session, again, about), { code: 'APPROVAL_INVALID', message: /has approved this plan/ })
  await fleet.approvals.store.add(again)
  await fleet.approvals.store.add(fleet.sign(about, fleet.person('alice'), { until: Date.now() + 1_800_000 }))
  await t.rejects(start(), { code: 'APPROVALS_MISSING', message: /^1 of 2 .*alice has approved this plan already/ })
  await giveApproval(session, fleet.sign(about, fleet.person('olga')), about)
  await t.rejects(start(), { code: 'APPROVALS_MISSING', message: /olga starts the run and cannot approve it/ })
})

t.test('approvals of a plan that is no longer the plan lead to one error with the remedy', async (t) => {
  const { session, fleet, about, start, plan } = await made(t)
  const old = { ...about, planHash: 'b'.repeat(64) }
  for (const name of ['alice', 'bob']) await giveApproval(session, fleet.sign(old, fleet.person(name)))
  await t.rejects(start(), {
    code: 'PLAN_CHANGED',
    message: /alice, bob approved plan b{64}, but the current plan is/,
    remedy: new RegExp(`quorate approve ${plan.hash} -f cluster.yaml`),
  })
})

t.test('what the cluster file says beside the steps is part of what is approved', async (t) => {
  const { session, plan } = await made(t)
  const other = parseClusterFile(`${clusterFile}policy: {approvals: 2, acceptOutageSeconds: 600}\n`, 'cluster.yaml')
  t.not((await planConversion(session, other)).hash, plan.hash)
})

t.test('the number is lowered only by a run that was approved under the old one', async (t) => {
  const { session, fleet, about, start } = await made(t)
  for (const name of ['alice', 'bob']) await giveApproval(session, fleet.sign(about, fleet.person(name)), about)
  await (await start()).ended
  const renamed = clusterFile.replace('name: prod', 'name: other')
  for (const text of [clusterFile, renamed]) {
    const lowered = parseClusterFile(text, 'cluster.yaml')
    const plan = await planConversion(session, lowered)
    t.equal(plan.approvals, 2)
    await t.rejects(startConversion(session, { file: lowered, fileText: text, approved: plan, by: operator }), {
      code: 'APPROVALS_MISSING',
    })
  }
  const served = restSession({ approvals: fleet.approvals, leastApprovals: 1 })
  t.equal((await planConversion(served, parseClusterFile(clusterFile, 'cluster.yaml'))).approvals, 1)
})

t.test('a rollback is approved by its own plan, which names its run', async (t) => {
  const { session, fleet, about, start } = await made(t)
  for (const name of ['alice', 'bob']) await giveApproval(session, fleet.sign(about, fleet.person(name)), about)
  const { id, ended } = await start()
  await ended
  const { hash: planHash } = await planRollback(session, { id })
  const undo = { cluster: 'prod', kind: 'rollback', planHash } as const
  await t.rejects(startRollback(session, { id, by: operator }), {
    code: 'APPROVALS_MISSING',
    remedy: new RegExp(`quorate approve ${planHash} --rollback ${id}`),
  })
  for (const name of ['alice', 'bob']) await giveApproval(session, fleet.sign(undo, fleet.person(name)), undo)
  t.equal((await (await startRollback(session, { id, by: operator })).ended).outcome, 'done')
  t.equal((await readRun(session, id)).approvals.length, 4)
})

t.test('a run whose journal lacks its approvals is not resumed', async (t) => {
  const { session, fleet, about } = await made(t)
  const id = await writeRun(session, [], false)
  const [started] = await session.runs.read(id)
  t.equal(foldRun(started === undefined ? [] : [started]).approvals.length, 0)
  const forged = restSession({ approvals: fleet.approvals })
  const journal = await forged.runs.create(id)
  const approvals = [fleet.sign(about, fleet.person('alice')), fleet.sign(about, fleet.person('olga', 'operator'))]
  if (started?.event.kind === 'run-started')
    await journal.append({ ...started.event, clusterFile: fileText, planHash: about.planHash, approvals })
  await journal.close()
  await t.rejects(resumeConversion(forged, { id }), { code: 'APPROVALS_MISSING', message: /has 1 of the 2 approvals/ })
})

t.test('the text that is signed can be read', async (t) => {
  const statement = {
    ...({ fleet: `sha256:${'0'.repeat(64)}`, cluster: 'prod', kind: 'convert', planHash: 'a'.repeat(64) } as const),
    ...{ approver: 'alice', at: 0, until: 3_600_000 },
  }
  t.equal(
    approvalText(statement),
    `quorate approval v1\nfleet sha256:${'0'.repeat(64)}\ncluster prod\nkind convert\nplan ${'a'.repeat(64)}\napprover alice\nat 1970-01-01T00:00:00.000Z\nuntil 1970-01-01T01:00:00.000Z\n`,
  )
})
