import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { foldersOf } from '../facts/cluster-folders.js'
import { staticPodFlag } from '../facts/static-pod-flags.js'
import type { Check } from './check.js'

const id = 'bootstrap-signer'
const component = 'kube-controller-manager'
/** Four of its lease's durations: a leader change takes less. */
const staleMs = 60_000

/** It signs cluster-info for each token, and lives in the controller-manager's leader (kubeadm#3401, kubernetes#109233). */
export const bootstrapSigner: Check = {
  id,
  title: 'A controller-manager leads and its bootstrap signer is enabled',
  async check(run) {
    const facts = await run.nodeFacts(run.first)
    return [...(await ofLease(run, facts)), ...ofFlag(run, facts)]
  },
}

async function ofLease(run: ConversionRun, facts: NodeFacts): Promise<Finding[]> {
  // One with --leader-elect=false keeps no lease.
  if (staticPodFlag(facts, component, '--leader-elect') === 'false') return []
  const { leases } = await run.clusterFacts()
  const lease = leases.find(({ namespace, name }) => namespace === 'kube-system' && name === component)
  const renewedUnixMs = lease?.renewedUnixMs ?? 0
  if (facts.clockUnixMs - renewedUnixMs <= staleMs) return []
  const seen = renewedUnixMs === 0 ? 'never' : new Date(renewedUnixMs).toISOString()
  return [
    {
      id,
      severity: 'error',
      message: 'no controller-manager leads: join tokens would not be signed, and kubelets would get no certificates',
      evidence: `lease kube-system/kube-controller-manager renewed ${seen}, holder ${lease?.holder || '(none)'}`,
      remedy: `On ${run.first.name}: crictl ps -a --name kube-controller-manager, and crictl logs of its container`,
    },
  ]
}

function ofFlag(run: ConversionRun, facts: NodeFacts): Finding[] {
  // No manifest at all is the finding of `not-kubeadm`.
  if (!facts.staticPods.some((pod) => pod.component === component)) return []
  const controllers = staticPodFlag(facts, component, '--controllers')
  const names = controllers?.split(',') ?? []
  if (names.includes('bootstrapsigner') && !names.includes('-bootstrapsigner')) return []
  return [
    {
      id,
      severity: 'error',
      node: run.first.name,
      message: 'the bootstrap signer is not enabled: it is off unless --controllers names it',
      evidence: `kube-controller-manager.yaml: ${controllers === undefined ? 'no --controllers' : `--controllers=${controllers}`}`,
      remedy: `Set --controllers=*,bootstrapsigner,tokencleaner in ${foldersOf(facts).manifests}/kube-controller-manager.yaml`,
    },
  ]
}
