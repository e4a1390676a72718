import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { members } from '../../support/conversion-assertions.js'
import { clusterForTest, ended } from '../../support/simulated-cluster.js'
import type { Scenario } from '../scenario.js'

const late = 'late.example.com'

/** Converts, and a Node of nobody's appears when a line about that step is seen. */
async function convertAndAppear(cluster: SimulatedCluster, when: string) {
  let appeared: Promise<unknown> | undefined
  const run = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'], (text) => {
    if (text.includes(`] ${when}: `)) appeared ??= cluster.control.ask('addNode', { name: late, ready: true })
  })
  await appeared
  return { run, appeared: appeared !== undefined }
}

async function tooEarly(t: Test, kubernetesVersion: string): Promise<void> {
  const cluster = await clusterForTest(t, { workers: 1, kubernetesVersion, kubeProxy: 'disabled' })
  const { run, appeared } = await convertAndAppear(cluster, 'regenerate-apiserver-certificate')
  t.ok(appeared, 'a worker joined while the run was on')
  ended(t, run, 4)
  t.match(run.stdout + run.stderr, /workers in the cluster file: - \{name: late\.example\.com, address: 192\.0\.2\.9\}/)
  t.equal((await members(cluster)).length, 1, 'before a control plane joins')
  await cluster.control.ask('kube', { method: 'DELETE', path: `/api/v1/nodes/${late}` })
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))
}

async function afterwards(t: Test, kubernetesVersion: string): Promise<void> {
  const cluster = await clusterForTest(t, { workers: 1, kubernetesVersion, kubeProxy: 'disabled' })
  const { run, appeared } = await convertAndAppear(cluster, 'join-control-planes')
  t.ok(appeared, 'a worker joined while the run was on')
  ended(t, run)
  const verify = await cluster.quorate(['verify', '-f', cluster.clusterFile])
  ended(t, verify)
  t.match(verify.stdout, /this worker is not in the cluster file/)
}

const scenario = (id: string, title: string, rest: Pick<Scenario, 'outcome' | 'note'>, attempt: typeof afterwards) =>
  ({ id, title, group: 'nodes', ...rest, simulated: { versions: ['v1.37.2'], try: attempt } }) satisfies Scenario

export const workersJoinLate: readonly Scenario[] = [
  scenario(
    'worker-joins-early',
    'a worker that joins while the run is on, before cluster-info is changed',
    {
      outcome: 'converted',
      note: 'The run stops before the first join with what to write into the file; `convert` again goes on.',
    },
    tooEarly,
  ),
  scenario(
    'worker-joins-late',
    'a worker that joins while the run is on, after cluster-info was changed',
    { outcome: 'converted', note: 'It is right already; `verify` says that the file does not name it.' },
    afterwards,
  ),
]
