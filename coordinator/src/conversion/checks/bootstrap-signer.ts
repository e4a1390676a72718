import type { ConversionRun } from '../run.js'
import { staticPodFlag } from '../static-pod-flags.js'
import type { Check, Finding } from './check.js'

const id = 'bootstrap-signer'
/** Four of its lease's durations: a change of leader is long over by then. */
const staleMs = 60_000

/** It signs cluster-info for each token, and lives in the controller-manager's leader (kubeadm#3401, kubernetes#109233). */
export const bootstrapSigner: Check = {
  id,
  title: 'The bootstrap signer runs: a controller-manager leads and has it switched on',
  async check(run) {
    const { leases } = await run.clusterFacts()
    const lease = leases.find(
      ({ namespace, name }) => namespace === 'kube-system' && name === 'kube-controller-manager',
    )
    const { clockUnixMs } = await run.nodeFacts(run.first)
    const age = clockUnixMs - (lease?.renewedUnixMs ?? 0)
    return [...(age > staleMs ? [ofLease(run, lease?.renewedUnixMs ?? 0, lease?.holder)] : []), ...(await ofFlag(run))]
  },
}

function ofLease(run: ConversionRun, renewedUnixMs: number, holder = ''): Finding {
  const seen = renewedUnixMs === 0 ? 'never' : new Date(renewedUnixMs).toISOString()
  return {
    id,
    severity: 'error',
    message: 'no controller-manager leads: a token of a join would get no signature, and no kubelet a certificate',
    evidence: `lease kube-system/kube-controller-manager renewed ${seen}, holder ${holder || '(none)'}`,
    remedy: `On ${run.first.name}: crictl ps -a --name kube-controller-manager, and crictl logs of its container`,
  }
}

async function ofFlag(run: ConversionRun): Promise<Finding[]> {
  const controllers = staticPodFlag(await run.nodeFacts(run.first), 'kube-controller-manager', '--controllers')
  const names = controllers?.split(',') ?? []
  if (names.includes('bootstrapsigner') && !names.includes('-bootstrapsigner')) return []
  return [
    {
      id,
      severity: 'error',
      node: run.first.name,
      message: 'the bootstrap signer is not switched on: it is off unless it is named',
      evidence: `kube-controller-manager.yaml: ${controllers === undefined ? 'no --controllers' : `--controllers=${controllers}`}`,
      remedy:
        'Set --controllers=*,bootstrapsigner,tokencleaner in /etc/kubernetes/manifests/kube-controller-manager.yaml',
    },
  ]
}
