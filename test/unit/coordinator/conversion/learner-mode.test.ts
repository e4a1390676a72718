import { learnsFirst } from '@quorate/coordinator/conversion/learner-mode'
import t from 'tap'
import { clusterConfiguration, configMap, fakeRun, soundWorld } from '../../../support/fake-run.js'

t.test('by the release, and by the gate while it has a say', async (t) => {
  for (const [version, gate, learns] of [
    ['v1.28.15', undefined, false],
    ['v1.28.15', true, true],
    ['v1.29.6', undefined, true],
    ['v1.31.14', false, false],
    ['v1.32.13', false, true],
    ['v1.37.2', undefined, true],
    ['v1.40.1', undefined, true],
  ] as const) {
    const world = soundWorld()
    world.cluster.kubernetesVersion = version
    const gates = gate === undefined ? '' : `featureGates:\n  EtcdLearnerMode: ${gate}\n`
    world.cluster.kubeadmConfig = configMap(clusterConfiguration(gates))
    t.equal(await learnsFirst(fakeRun(world)), learns, `${version}, EtcdLearnerMode: ${gate}`)
  }
})
