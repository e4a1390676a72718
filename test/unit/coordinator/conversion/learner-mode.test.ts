import { learnerMode, learnsFirst } from '@quorate/coordinator/conversion/etcd/learner-mode'
import t from 'tap'
import { fakeRun } from '../../../support/paper-cluster/reads.js'
import { clusterConfiguration, configMap, soundWorld } from '../../../support/paper-cluster/world.js'

t.test('by the release, by the gate while it has a say, and by setting it for the joins', async (t) => {
  for (const [version, gate, learns, asConfigured] of [
    ['v1.26.15', undefined, 'no', 'no'],
    ['v1.27.16', undefined, 'by-gate', 'no'],
    ['v1.28.15', undefined, 'by-gate', 'no'],
    ['v1.28.15', false, 'by-gate', 'no'],
    ['v1.28.15', true, 'yes', 'yes'],
    ['v1.29.6', undefined, 'yes', 'yes'],
    ['v1.29.6', false, 'by-gate', 'no'],
    ['v1.31.14', false, 'by-gate', 'no'],
    ['v1.32.13', false, 'yes', 'yes'],
    ['v1.37.2', undefined, 'yes', 'yes'],
    ['v1.40.1', undefined, 'yes', 'yes'],
  ] as const) {
    for (const etcdLearners of ['auto', 'as-configured'] as const) {
      const world = soundWorld()
      world.cluster.kubernetesVersion = version
      const gates = gate === undefined ? '' : `featureGates:\n  EtcdLearnerMode: ${gate}\n`
      world.cluster.kubeadmConfig = configMap(clusterConfiguration(gates))
      Object.assign(world.file.policy, { etcdLearners })
      const wanted = etcdLearners === 'auto' ? learns : asConfigured
      const run = fakeRun(world)
      t.same(
        await learnerMode(run),
        { learns: wanted, set: gate },
        `${version}, EtcdLearnerMode: ${gate}, ${etcdLearners}`,
      )
      t.equal(await learnsFirst(run), wanted !== 'no')
    }
  }
})
