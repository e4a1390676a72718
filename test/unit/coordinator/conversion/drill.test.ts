import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import type { AvailabilityRecord } from '@quorate/coordinator/engine/events'
import { foldRun } from '@quorate/coordinator/engine/fold'
import { runError } from '@quorate/coordinator/engine/run-error'
import type { Action } from '@quorate/coordinator/engine/step'
import { catalogue, type ErrorCode, QuorateError } from '@quorate/shared/errors'
import { Part } from '@quorate/shared/gen/quorate/v1/node_agent'
import t from 'tap'
import { drillReportText } from '../../../../coordinator/src/cli/render/drill.js'
import { drillOrder } from '../../../../coordinator/src/runs/drill/drill-order.js'
import { drillRemedy, withDrillRemedy } from '../../../../coordinator/src/runs/drill/drill-remedy.js'
import { drillReport } from '../../../../coordinator/src/runs/drill/drill-report.js'
import { chosenScenarios } from '../../../../coordinator/src/runs/drill/plan-drill.js'
import { scenarios } from '../../../../coordinator/src/runs/drill/scenarios.js'
import { placesOf } from '../../../../coordinator/src/runs/drill/watch-endpoint.js'
import { doneAction, PaperCluster, paperCall } from '../../../support/paper-cluster/cluster.js'

const signal = new AbortController().signal
const order: readonly ConversionStep[] = conversionOrder
const times = { downSeconds: 0, restoreAfterSeconds: 60 }

async function converted(): Promise<PaperCluster> {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  for (const step of order) {
    run.refresh()
    for (const action of await step.plan(run)) await step.apply(run, action, paperCall())
  }
  for (const member of paper.members)
    if (member.status !== undefined) member.status.leaderId = paper.members[1]?.id ?? ''
  paper.asked.length = 0
  return paper
}

t.test('all but the cold start, unless it is asked for; one that there is not is refused', async (t) => {
  const ids = (request: Parameters<typeof chosenScenarios>[0]) => chosenScenarios(request).map(({ id }) => id)
  t.same(ids({}), ['api-server', 'etcd-leader', 'load-balancer', 'control-plane'])
  t.same(ids({ coldStart: true }).at(-1), 'cold-start')
  t.same(ids({ only: ['cold-start', 'api-server'] }), ['api-server', 'cold-start'])
  t.throws(() => ids({ only: ['everything'] }), { code: 'USAGE' })
})

t.test('each scenario finds its nodes by what is true when it begins', async (t) => {
  const paper = await converted()
  const where = async () =>
    Promise.all(scenarios.map(async (one) => (await one.targets(paper.run())).map(({ name }) => name.split('.')[0])))
  const all = ['k8smaster1', 'k8smaster2', 'k8smaster3']
  t.same(await where(), [['k8smaster1'], ['k8smaster2'], ['k8smaster1'], ['k8smaster1'], all])
  const theirs = { ...paper.file, loadBalancer: { ...paper.file.loadBalancer, kind: 'external' as const } }
  const run = new PaperCluster('v1.37.2', theirs).run()
  t.same(await scenarios.find(({ id }) => id === 'load-balancer')?.targets(run), [], 'not ours to stop')
})

t.test('users are watched from a worker and a control plane, neither of them taken down', async (t) => {
  const paper = await converted()
  const run = paper.run()
  const names = (...targets: number[]) =>
    placesOf(
      run,
      run.controlPlanes.filter((_, index) => targets.includes(index)),
    ).map(({ name }) => name.split('.')[0])
  t.same(names(0), ['k8sworker1', 'k8smaster2'])
  t.same(names(0, 1, 2), ['k8sworker1', 'k8sworker2'])
})

t.test('a step stops, restores, records what was seen, and holds when every proof does', async (t) => {
  const paper = await converted()
  const run = paper.run()
  const seen: AvailabilityRecord[] = []
  const [step] = drillOrder(chosenScenarios({ only: ['etcd-leader'] }), times, async (one) => void seen.push(one))
  const [action] = (await step?.plan(run)) ?? []
  const note = await step?.apply(run, action as Action, paperCall())
  t.same(
    paper.asked.map(({ node, method, request }) => ({ node, method, ...request })),
    [
      {
        node: 'k8smaster2.example.com',
        method: 'handOverLeadership',
        to: 'k8smaster1.example.com',
        onlyJoined: false,
      },
      {
        node: 'k8smaster2.example.com',
        method: 'stopPart',
        part: Part.PART_ETCD,
        restoreAfterSeconds: 60,
        withoutQuorum: false,
        handedOver: true,
        unlessInEndpoints: false,
        untilUnixMs: 0,
      },
      { node: 'k8smaster2.example.com', method: 'restorePart', part: Part.PART_ETCD },
    ],
  )
  const evidence = (await step?.verify(run, action as Action, signal, note)) ?? []
  t.match(evidence.at(0), { what: 'stopped on k8smaster2.example.com' })
  t.match(evidence.at(-1), { what: 'every proof holds again' })
  t.same(
    seen.map(({ during, place, target, failed }) => [during, place.split('.')[0], target, failed]),
    [
      ['etcd-leader', 'k8sworker1', 'endpoint', 0],
      ['etcd-leader', 'k8smaster1', 'endpoint', 0],
      ['etcd-leader', 'k8smaster1', 'write', 0],
    ],
  )
})

t.test('abrupt as a fault: nothing is handed over', async (t) => {
  const paper = await converted()
  const run = paper.run()
  const abrupt = { ...times, abrupt: true }
  const [step] = drillOrder(chosenScenarios({ only: ['etcd-leader'] }), abrupt, async () => {})
  const [action] = (await step?.plan(run)) ?? []
  const note = await step?.apply(run, action as Action, paperCall())
  t.match(paper.asked, [{ method: 'stopPart', request: { handedOver: false } }, { method: 'restorePart' }])
  await step?.verify(run, action as Action, signal, note)
})

t.test(
  'an agent that forecasts a loss of quorum ends the scenario; what a failed one stopped is started on every control plane',
  async (t) => {
    const paper = await converted()
    const run = paper.run()
    paper.failing = ({ method }) => {
      if (method === 'stopPart') throw new QuorateError('QUORUM_AT_RISK', 'one of three: nothing was stopped')
    }
    const [step] = drillOrder(chosenScenarios({ only: ['control-plane'] }), times, async () => {})
    const [action] = (await step?.plan(run)) ?? []
    await t.rejects(step?.apply(run, action as Action, paperCall()) as Promise<void>, { code: 'STEP_FAILED' })
    paper.asked.length = 0
    if (typeof step?.rollback === 'function') await step.rollback(run, doneAction(action as Action), paperCall())
    t.same(
      paper.asked.map(({ method }) => method),
      Array(3).fill('restorePart'),
    )
  },
)

t.test('no error of a drill sends its reader to a command that drills refuse; what else they say stays', async (t) => {
  const codes = Object.keys(catalogue) as ErrorCode[]
  const remedies = codes.map((code) => {
    const error = runError(new QuorateError(code, 'why'), 'cp1', { runId: 'run-1' })
    const ended = withDrillRemedy({ kind: 'run-ended' as const, outcome: 'failed' as const, error })
    t.match(ended, { kind: 'run-ended', error: { code, message: 'why', where: 'cp1' } })
    if (ended.error?.remedy !== drillRemedy) t.equal(ended.error?.remedy, error.remedy, code)
    return ended.error?.remedy ?? ''
  })
  t.notMatch(remedies.join(' '), /quorate (resume|rollback)/)
  const replaced = codes.filter((_, index) => remedies[index] === drillRemedy)
  for (const code of ['GATE_TIMEOUT', 'STEP_FAILED', 'INTERRUPTED'] as const) t.ok(replaced.includes(code), code)
  t.notOk(replaced.includes('AGENT_UNREACHABLE'))
})

t.test('the report has the longest gap of all places, and what was not done', async (t) => {
  const title = 'Take down it'
  const steps = ['api-server', 'etcd-leader'].map((id) => ({ id, title, actions: [] }))
  const started = {
    ...{ cluster: 'prod', planHash: '', fencingToken: 1, version: '', clusterFile: '', ignored: {} },
    steps,
  }
  const record = { during: 'api-server', target: 'endpoint', from: 0, to: 9, asked: 40, outages: [] }
  const events = [
    { kind: 'run-started' as const, ...started, purpose: 'drill' as const },
    { kind: 'step-started' as const, step: 'api-server', title, actions: [] },
    { kind: 'availability' as const, ...record, place: 'a', failed: 0, longestGapMs: 70 },
    { kind: 'availability' as const, ...record, place: 'b', failed: 2, longestGapMs: 900 },
    { kind: 'step-done' as const, step: 'api-server' },
    { kind: 'run-ended' as const, outcome: 'interrupted' as const },
  ]
  const state = foldRun(events.map((event, index) => ({ seq: index + 1, at: index, run: 'r', event })))
  t.equal(state.purpose, 'drill')
  t.match(drillReport(state), {
    verdict: 'prod survived 1 of 2 scenarios; the drill ended as interrupted.',
    scenarios: [{ verdict: 'survived', longestGapMs: 900 }, { verdict: 'not done' }],
  })
})

t.test('its report names what was asked: the endpoint, the Service and cluster DNS each by its own words', (t) => {
  const seen = ['endpoint', 'write', 'service-kubernetes', 'cluster-dns'].map((target) => ({
    ...{ during: 'x', place: 'w1', target, from: 0, to: 1, asked: 9, failed: 0, longestGapMs: 5, outages: [] },
  }))
  const scenario = { id: 'x', title: 'X', verdict: 'survived', stopped: [], seen } as const
  const text = drillReportText({ run: 'r', cluster: 'c', outcome: 'done', verdict: 'v', scenarios: [scenario] })
  t.match(
    text,
    /reads through the endpoint, from w1[\s\S]*writes through the endpoint[\s\S]*the Service kubernetes as pods use it[\s\S]*cluster DNS as pods use it/,
  )
  t.end()
})
