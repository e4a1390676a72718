import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { SimulatedAgents } from '../support/simulated-agents.js'
import { clusterForTest, ended } from '../support/simulated-cluster.js'
import { clusterState, stateDifferences } from './parts/cluster-state.js'
import { doubleExecutions } from './parts/executions.js'
import { runsOf } from './parts/play.js'

const convert = (cluster: SimulatedCluster) => ['convert', '-f', cluster.clusterFile, '--yes']

/** Resolves as soon as what it prints matches. */
function printed(what: RegExp) {
  let text = ''
  let seen = (): void => {}
  const met = new Promise<void>((resolve) => {
    seen = resolve
  })
  const onOutput = (chunk: string): void => {
    text += chunk
    if (what.test(text)) seen()
  }
  return { met, onOutput }
}

/** The state folder as another machine gets it: everything but who holds the cluster. */
function carried(cluster: SimulatedCluster): string {
  const elsewhere = join(cluster.operatorFolder, 'elsewhere')
  rmSync(elsewhere, { recursive: true, force: true })
  cpSync(cluster.stateFolder, elsewhere, { recursive: true })
  rmSync(join(elsewhere, 'leases'), { recursive: true, force: true })
  return elsewhere
}

t.test('a second coordinator is refused while the first one lives', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const { met, onOutput } = printed(/\] start-load-balancer:/)
  const first = cluster.startQuorate(convert(cluster), { onOutput })
  await met
  const [run = ''] = runsOf(cluster)
  for (const args of [convert(cluster), ['resume', run], ['rollback', run, '--yes']]) {
    const second = await cluster.quorate(args)
    ended(t, second, 6)
    t.match(second.stderr, /CLUSTER_HELD/, args[0] ?? '')
  }
  ended(t, await first.ended)
  t.same(runsOf(cluster), [run], 'and no run was begun beside it')
  t.same(await doubleExecutions(cluster), [])
})

/** A conversion that is paused right before it tells a node to do something, its intent on the disk. */
async function pausedBefore(cluster: SimulatedCluster, what: RegExp) {
  const { met, onOutput } = printed(what)
  const old = cluster.startQuorate(convert(cluster), { onOutput })
  await met
  old.child.kill('SIGSTOP')
  return { old, run: runsOf(cluster)[0] ?? '' }
}

const tokenOf = (state: string): number => Number(readFileSync(join(state, 'leases/simulated.fence'), 'utf8'))

t.test('one that was paused and replaced is refused by every agent when it comes back', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const { old, run } = await pausedBefore(cluster, /update-kubeadm-config: Set controlPlaneEndpoint/)
  const elsewhere = carried(cluster)
  ended(t, await cluster.startQuorate(['resume', run], { state: elsewhere }).ended)
  const wanted = await clusterState(cluster)

  const token = tokenOf(cluster.stateFolder)
  t.ok(tokenOf(elsewhere) > token, 'its successor has a higher number')
  const agents = new SimulatedAgents(t, cluster)
  for (const { name } of cluster.nodes) {
    await t.rejects(
      agents.change(name, 'restartKubelet', `late-${token}`, {}, token),
      { code: 'FENCED' },
      `${name} refuses what was sent under the old number`,
    )
  }
  old.child.kill('SIGCONT')
  const end = await old.ended
  ended(t, end, 6)
  t.match(end.stdout + end.stderr, /FENCED|taken over/)
  t.same(stateDifferences(wanted, await clusterState(cluster)), [], 'and it changed nothing')
  t.same(await doubleExecutions(cluster), [])
  ended(t, await cluster.startQuorate(['verify', '-f', cluster.clusterFile], { state: elsewhere }).ended)
})

t.test(
  'one that was paused does not act on a node that its successor, on the way back, had nothing to do on',
  async (t) => {
    const cluster = await clusterForTest(t, { workers: 1 })
    const before = await clusterState(cluster)
    // The worker is about to be told; nothing was ever changed on it but its backup.
    const { old, run } = await pausedBefore(cluster, /rewrite-worker-kubeconfigs: Point/)
    const elsewhere = carried(cluster)
    ended(t, await cluster.startQuorate(['rollback', run, '--yes'], { state: elsewhere }).ended)
    old.child.kill('SIGCONT')
    ended(t, await old.ended, 6)
    // A kubelet that was told to go to an endpoint that is gone would be seen here.
    await until(
      'the cluster to be as before',
      async () => {
        const different = stateDifferences(before, await clusterState(cluster))
        return different.length === 0 ? holds(true) : notYet(different.join('\n'))
      },
      { deadlineMs: 5_000, everyMs: 500 },
    )
    t.same(await doubleExecutions(cluster), [])
  },
)
