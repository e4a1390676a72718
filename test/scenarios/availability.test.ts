import { readClusterFile } from '@quorate/coordinator/config/read-cluster-file'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { availabilityLine, totalOf } from '@quorate/coordinator/engine/availability'
import type { AvailabilityRecord } from '@quorate/coordinator/engine/events'
import { nothingToUndo } from '@quorate/coordinator/engine/step'
import { openSession } from '@quorate/coordinator/open-session'
import { readRun } from '@quorate/coordinator/runs/context/read-runs'
import { startConversion } from '@quorate/coordinator/runs/convert'
import { planConversion } from '@quorate/coordinator/runs/plan'
import { systemClock } from '@quorate/shared/clock'
import { catalogue } from '@quorate/shared/errors'
import { parseRunId } from '@quorate/shared/names'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterForTest, ended, journalOf, runOf, stepsOf } from '../support/simulated-cluster.js'

const seenBy = (cluster: SimulatedCluster): readonly AvailabilityRecord[] =>
  journalOf(cluster).filter(({ kind }) => kind === 'availability') as unknown as AvailabilityRecord[]

const leases = async (cluster: SimulatedCluster): Promise<string[]> =>
  Object.keys(await cluster.control.ask<object>('dump')).filter((key) => key.endsWith('/quorate-availability'))

const [cp1, w1] = ['k8smaster1.example.com', 'k8sworker1.example.com']

t.test('a sound conversion and its undo: watched from two places, nothing failed, nothing is left of it', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const converted = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
  ended(t, converted)
  const seen = seenBy(cluster)
  for (const one of seen.filter(({ failed }) => failed > 0)) t.comment(JSON.stringify(one))
  t.equal(totalOf(seen).failed, 0, availabilityLine(seen) ?? 'nothing was watched')
  for (const place of [cp1, w1]) {
    for (const target of ['endpoint', cp1, 'k8smaster2.example.com', 'k8smaster3.example.com'])
      t.ok(
        totalOf(seen.filter((one) => one.place === place && one.target === target)).asked > 0,
        `${target} from ${place}`,
      )
  }
  t.ok(totalOf(seen.filter(({ target }) => target === 'write')).asked > 10, 'writes')
  t.same([...new Set(seen.filter(({ target }) => target === 'write').map(({ place }) => place))], [cp1])
  t.same(await leases(cluster), [])
  const [id = ''] = /\d{8}t\d{6}-[a-z0-9]{6}/.exec(converted.stdout) ?? []
  t.match(
    (await cluster.quorate(['status', id])).stdout,
    /API: \d+ reads ok, 0 failed, longest gap \d+ ms; \d+ writes ok, 0/,
  )
  t.match((await cluster.quorate(['report', id])).stdout, /Availability/)

  ended(t, await cluster.quorate(['rollback', id, '--yes']))
  const undone = seenBy(cluster).slice(seen.length)
  t.ok(totalOf(undone).asked > 10, 'the undo is watched too')
  // Whose kept connection goes to a control plane that leaves is cut off; who asks the one that stays is not.
  const direct = undone.filter(({ target }) => target === cp1)
  t.equal(totalOf(direct).failed, 0, availabilityLine(direct) ?? '')
  t.same(await leases(cluster), [])
})

/** Takes the API server away for longer than is allowed, while nothing of the run needs it. */
function blackout(cluster: SimulatedCluster, ms: number, meanwhile: () => Promise<void>): ConversionStep {
  return {
    id: 'blackout',
    title: 'Take the API server away',
    documented: '',
    gate: '',
    undo: '',
    width: 1,
    plan: async ({ first }) => [{ id: first.name, node: first.name, does: 'take it away', diffs: [] }],
    async apply() {
      // Later than any client waits.
      await cluster.setFaults('cp1', { apiDelayMs: 4_000 })
      await systemClock.sleep(ms)
      await meanwhile()
      await cluster.setFaults('cp1', { apiDelayMs: 0 })
      // Long enough that its end is seen.
      await systemClock.sleep(1_500)
    },
    verify: async () => [],
    rollback: nothingToUndo('a test'),
  }
}

t.test('a run stops by itself before its next step when the API was away for longer than the budget', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 }, { policy: ['  availabilityBudgetSeconds: 5'] })
  const upTo = conversionOrder.findIndex(({ id }) => id === 'start-load-balancer') + 1
  const during = { journaled: 0, known: 0 }
  const look = async () => {
    // As another process would: nothing of this one's memory.
    const another = await openSession(cluster.stateFolder)
    const run = await readRun(another, parseRunId(runOf(cluster)))
    during.known = totalOf(run.availability).failed
    during.journaled = totalOf(seenBy(cluster)).failed
  }
  const order = [...conversionOrder.slice(0, upTo), blackout(cluster, 6_000, look), ...conversionOrder.slice(upTo)]
  const { file, text } = await readClusterFile(cluster.clusterFile)
  const session = { ...(await openSession(cluster.stateFolder)), order }
  const approved = await planConversion(session, file)
  const { id, ended: end } = await startConversion(session, { file, fileText: text, approved })
  const { outcome, error } = await end
  t.equal(outcome, 'failed')
  t.match(error, { code: 'AVAILABILITY_BUDGET_SPENT', message: /in blackout; 5 s are allowed/ })
  t.equal(catalogue.AVAILABILITY_BUDGET_SPENT.exit, 'stepFailed')
  t.equal(stepsOf(cluster).at(-1), 'blackout', 'nothing was begun after it')
  t.match(during, { journaled: 0 }, 'the journal says at the end of a step what was seen in it')
  t.ok(during.known > 0, 'who looks meanwhile knows of each request that failed')
  const { availability, steps } = await readRun(session, id)
  t.equal(steps.find((step) => step.id === 'blackout')?.state, 'done', 'what ran came to its end')
  const outages = availability.filter(({ target }) => target === cp1).flatMap((one) => one.outages)
  t.ok(
    outages.some(({ from, to, error }) => to - from > 5_000 && error === 'no answer within 2000 ms'),
    'and it is in the journal',
  )
  t.same(await leases(cluster), [], 'the Lease too is gone')
})
