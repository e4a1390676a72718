import t from 'tap'
import { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterContract } from '../contract/cluster-contract.js'
import { simulatedLab } from '../support/simulated-lab.js'

for (const [kubernetesVersion, configApi] of [
  ['v1.37.2', 'v1beta4'],
  ['v1.30.4', 'v1beta3'],
] as const) {
  t.test(`the simulated cluster of ${kubernetesVersion} does what a real one does`, async (t) => {
    const cluster = await SimulatedCluster.start({ kubernetesVersion, controlPlanes: 2, workers: 1 })
    t.teardown(() => cluster.stop())
    const lab = simulatedLab(cluster, configApi)
    for (const [title, assert] of clusterContract) await t.test(title, (t) => assert(t, lab))
  })
}
