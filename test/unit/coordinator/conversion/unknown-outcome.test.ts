import type { ConversionRun } from '@quorate/coordinator/conversion/context/run'
import { recoverJoin } from '@quorate/coordinator/conversion/joining/recover-join'
import { judgeUnknownOutcome } from '@quorate/coordinator/runs/unknown-outcome'
import { QuorateError } from '@quorate/shared/errors'
import { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import t from 'tap'
import { PaperCluster, paperCall } from '../../../support/paper-cluster/cluster.js'

const cp2 = 'k8smaster2.example.com'
const broke = new QuorateError('COMMAND_FAILED', 'kubeadm join ended with 1')

const answering = { status: { version: '3.6.5', clusterId: 'c', leaderId: '1' } }
const member = (short: string, more: object = {}) =>
  EtcdMember.fromPartial({ id: `id-${short}`, name: `${short}.example.com`, ...answering, ...more } as never)

/** A cluster whose second control plane was left in the middle of its join, and what is asked of it. */
function leftInTheMiddle(joiner: object | undefined) {
  const paper = new PaperCluster('v1.37.2')
  paper.members = [member('k8smaster1'), ...(joiner === undefined ? [] : [member('k8smaster2', joiner)])]
  const run = paper.run()
  return { paper, run, node: run.joining[0] as (typeof run.joining)[number] }
}

const interrupted = (method: string, done = 'unknown') => ({
  step: 'join-control-planes',
  action: { id: cp2, node: cp2, does: 'join', diffs: [] },
  node: cp2,
  label: 'join',
  method,
  evidence: { state: 'interrupted', method, unitState: 'not-found', unitExit: 0, facts: { done } },
})

const never = async (): Promise<OperationResult> => {
  throw new Error('it was asked for again')
}

t.test('a join whose end is unknown is never begun again, whatever the members say', async (t) => {
  for (const joiner of [undefined, { learner: true }, {}]) {
    const { run } = leftInTheMiddle(joiner)
    const judged = judgeUnknownOutcome(run, interrupted('joinControlPlane'), { call: paperCall(), again: never })
    const error = await judged.then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    t.notMatch(error?.message, /asked for again/)
  }
})

t.test('without a member etcd was not touched: the join is taken back', async (t) => {
  const { run, node, paper } = leftInTheMiddle(undefined)
  await t.rejects(recoverJoin(run, node, { call: paperCall(), why: broke }), broke)
  t.same(paper.asked, [])
})

t.test('a voter that answers is finished by the phases that are left', async (t) => {
  const { run, node, paper } = leftInTheMiddle({})
  await recoverJoin(run, node, { call: paperCall(), why: broke })
  t.same(paper.methods('k8smaster2'), ['finishJoin'])
})

t.test('a learner that answers is promoted by one that stays, then finished', async (t) => {
  const { run, node, paper } = leftInTheMiddle({ learner: true })
  await recoverJoin(run, node, { call: paperCall(), why: broke })
  t.match(
    paper.asked.map(({ node, method }) => [node, method]),
    [
      ['k8smaster1.example.com', 'promoteEtcdMember'],
      [cp2, 'finishJoin'],
    ],
  )
  t.match(paper.asked[0]?.request, { memberId: 'id-k8smaster2' })
})

t.test('what never began, or is for somebody else, is not recovered from', async (t) => {
  for (const code of ['AGENT_UNREACHABLE', 'FENCED', 'NODE_BUSY', 'SECRET_NOT_FOR_US'] as const) {
    const { run, node, paper } = leftInTheMiddle({})
    const why = new QuorateError(code, 'no')
    await t.rejects(recoverJoin(run, node, { call: paperCall(), why }), why)
    t.same(paper.asked, [])
  }
})

t.test('every other operation is asked for again; a removal that is seen to be done is not', async (t) => {
  const { run } = leftInTheMiddle(undefined)
  const asked: string[] = []
  const again = async () => {
    asked.push('again')
    return OperationResult.fromPartial({ summary: 'done now' })
  }
  const judge = (method: string, done: string, over: ConversionRun = run) =>
    judgeUnknownOutcome(over, interrupted(method, done), { call: paperCall(), again })
  t.match(await judge('restartKubelet', 'unknown'), { summary: 'done now' })
  t.match(await judge('resetNode', 'no'), { summary: 'done now' })
  t.equal(asked.length, 2)
  t.match(await judge('resetNode', 'yes'), { unchanged: true })
  t.equal(asked.length, 2)
})

t.test('of an edit that is found done the journal gets what it left, so that it can be put back', async (t) => {
  const { run } = leftInTheMiddle(undefined)
  const name = 'configmap/kube-system/kubeadm-config'
  const action = { id: 'cp1', node: 'k8smaster1.example.com', does: 'set', diffs: [{ name, text: '-a\n+b\n' }] }
  const again = async () => OperationResult.fromPartial({ unchanged: true })
  const how = { ...interrupted('updateKubeadmConfig', 'yes'), action, node: 'k8smaster1.example.com' }
  const { touched } = await judgeUnknownOutcome(run, how, { call: paperCall(), again })
  const { kubeadmConfig } = await run.clusterFacts()
  t.match(touched, [{ name, sha256After: kubeadmConfig?.sha256 }])
})
