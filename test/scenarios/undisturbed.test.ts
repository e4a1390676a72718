import { setTimeout as pause } from 'node:timers/promises'
import { availabilityLine, totalOf } from '@quorate/coordinator/engine/availability'
import type { AvailabilityRecord } from '@quorate/coordinator/engine/events'
import t, { type Test } from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterForTest, ended, journalOf } from '../support/simulated-cluster.js'

const [first, worker] = ['k8smaster1.example.com', 'k8sworker1.example.com']
const forPods = ['service-kubernetes', 'cluster-dns']

/** Of the newest run, unless told which. */
const seenBy = (cluster: SimulatedCluster, id?: string): readonly AvailabilityRecord[] =>
  journalOf(cluster, id).filter(({ kind }) => kind === 'availability') as unknown as AvailabilityRecord[]

const leads = (cluster: SimulatedCluster): Promise<string> => cluster.control.ask<string>('etcdLeader')

async function untilVerified(cluster: SimulatedCluster): Promise<number> {
  for (const deadline = Date.now() + 120_000; ; await pause(500)) {
    const { exitCode } = await cluster.quorate(['verify', '-f', cluster.clusterFile])
    if (exitCode === 0 || Date.now() > deadline) return exitCode
  }
}

function nothingFailed(t: Test, seen: readonly AvailabilityRecord[]): void {
  for (const one of seen.filter(({ failed }) => failed > 0)) t.comment(JSON.stringify(one))
  t.equal(totalOf(seen).failed, 0, availabilityLine(seen) ?? 'nothing was watched')
  for (const target of forPods) {
    const of = seen.filter((one) => one.target === target)
    t.ok(totalOf(of).asked > 50, `${target}: ${availabilityLine(of)}`)
    t.same([...new Set(of.map(({ place }) => place))], [worker], 'from a worker, as a pod would')
  }
}

t.test('what pods use, in a conversion, and in its undo after the first control plane lost its power', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const converted = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
  ended(t, converted)
  const seen = seenBy(cluster)
  nothingFailed(t, seen)
  const [id = ''] = /\d{8}t\d{6}-[a-z0-9]{6}/.exec(converted.stdout) ?? []
  t.match(
    (await cluster.quorate(['report', id])).stdout,
    /as pods: cluster DNS, from k8sworker1.example.com: \d+ requests, 0 failed/,
  )

  const consent = ['--yes', '--i-know-this-takes-parts-down']
  const drilled = await cluster.quorate([
    'drill',
    '-f',
    cluster.clusterFile,
    '-o',
    'json',
    '--down-for',
    '3',
    ...consent,
  ])
  ended(t, drilled)
  nothingFailed(
    t,
    seenBy(cluster).filter(({ target }) => forPods.includes(target)),
  )

  await cluster.kill('cp1')
  await pause(3_000)
  t.not(await leads(cluster), first, 'somebody else leads etcd now')
  await cluster.control.ask('bootNode', { node: first })
  await cluster.startAgent(cluster.node('cp1'))
  t.equal(await untilVerified(cluster), 0)
  t.not(await leads(cluster), first, 'and still does')

  const undone = await cluster.quorate(['rollback', id, '--yes'])
  ended(t, undone)
  nothingFailed(t, seenBy(cluster, id).slice(seen.length))
  t.match(undone.stdout, /During the rollback/)
  t.match(undone.stdout, /as pods: Service kubernetes, from k8sworker1.example.com: \d+ requests, 0 failed/)
  t.match(JSON.stringify(journalOf(cluster, id)), new RegExp(`${first} leads etcd`))
})
