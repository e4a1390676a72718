import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { convertUnderProbes, members, nothingFailed } from '../../support/conversion-assertions.js'
import { ended, journalOf } from '../../support/simulated-cluster.js'
import { converts } from '../assertions.js'
import type { Scenario } from '../scenario.js'

export const fiveControlPlanes: Scenario = {
  id: 'five-control-planes',
  title: 'one control plane, five wanted',
  group: 'control plane',
  outcome: 'converted',
  note: 'Two join at a time: there are exactly two voters for no longer than on the way to three.',
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: async (t, kubernetesVersion) => {
      await converts(t, {
        site: { kubernetesVersion, controlPlanes: 5 },
        looks: (cluster) => secondJoinsWhileFirstDoes(t, cluster),
      })
    },
  },
}

/** Whoever is to be the third voter has begun before the second is done: etcd alone decides how long there are two. */
function secondJoinsWhileFirstDoes(t: Test, cluster: SimulatedCluster): void {
  const joins = journalOf(cluster).flatMap(({ step, kind }) => (step === 'join-control-planes' ? [kind] : []))
  const began = joins.flatMap((kind, at) => (kind === 'action-started' ? [at] : []))
  t.equal(began.length, 4)
  t.ok((began[1] ?? Number.POSITIVE_INFINITY) < joins.indexOf('operation-done'), 'two joined at once')
}

export const threeToFive: Scenario = {
  id: 'three-to-five',
  title: 'converted to three control planes by an earlier run, five wanted now',
  group: 'control plane',
  outcome: 'converted',
  note: 'The same file with two more control planes, and `convert` again: what is true already is skipped, and no moment is without a way back.',
  simulated: {
    versions: ['v1.37.2'],
    try: async (t, kubernetesVersion) => {
      await converts(t, {
        site: { kubernetesVersion, controlPlanes: 5 },
        file: { controlPlanes: ['cp1', 'cp2', 'cp3'] },
        looks: (cluster) => goesOnToFive(t, cluster),
      })
    },
  },
}

async function goesOnToFive(t: Test, cluster: SimulatedCluster): Promise<void> {
  cluster.writeClusterFile({ policy: ['  availabilityBudgetSeconds: 60'] })
  t.notMatch((await cluster.quorate(['plan', '-f', cluster.clusterFile])).stdout, /Point of no return/)
  nothingFailed(t, await convertUnderProbes(cluster))
  t.equal((await members(cluster)).filter(({ learner }) => !learner).length, 5, 'five voters')
  ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]))
}
