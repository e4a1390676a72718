import { spawn } from 'node:child_process'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { asBefore } from '../support/as-before.js'
import { apiObjects, clusterForTest, ended, everything, runOf } from '../support/simulated-cluster.js'

/** `quorate ARGS` that is killed as soon as its output says `when`. */
function killedWhen(
  { bundles, stateFolder }: SimulatedCluster,
  args: readonly string[],
  when: RegExp,
): Promise<boolean> {
  return new Promise((resolve) => {
    let text = ''
    const child = spawn(process.execPath, [bundles.quorate, ...args, '--state', stateFolder], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (when.test(text)) child.kill('SIGKILL')
    })
    child.once('exit', (_code, signal) => resolve(signal === 'SIGKILL'))
  })
}

t.test('EtcdLearnerMode is put back whenever the run dies, by resume and by rollback', async (t) => {
  const cluster = await clusterForTest(t, { kubernetesVersion: 'v1.28.15', workers: 1 })
  const before = await everything(cluster)
  const convert = ['convert', '-f', cluster.clusterFile, '--yes']
  const config = async () => JSON.stringify((await apiObjects(cluster))['/configmaps/kube-system/kubeadm-config'])
  for (const when of [/use-etcd-learners: /, /join-control-planes: k8smaster2/]) {
    t.ok(await killedWhen(cluster, convert, when), `killed at ${when}`)
    ended(t, await cluster.quorate(['rollback', runOf(cluster), '--yes']))
    await asBefore(t, cluster, before)
  }
  t.ok(await killedWhen(cluster, convert, /join-control-planes: k8smaster2/))
  t.match(await config(), 'EtcdLearnerMode: true')
  const run = runOf(cluster)
  await killedWhen(cluster, ['resume', run], /restore-learner-gate: /)
  ended(t, await cluster.quorate(['resume', run]))
  t.notMatch(await config(), 'EtcdLearnerMode')
  ended(t, await cluster.quorate(['rollback', run, '--keep-endpoint', '--yes']))
  t.notMatch(await config(), 'EtcdLearnerMode')
  ended(t, await cluster.quorate([...convert]))
  t.notMatch(await config(), 'EtcdLearnerMode')
})
