import { manifestOf } from '../facts/cluster-folders.js'
import { staticPodFlag } from '../facts/static-pod-flags.js'
import type { Check } from './check.js'

const id = 'api-endpoints'
const flag = '--endpoint-reconciler-type'

/** With the default, `lease`, each API server registers itself in the Service `kubernetes`; `master-count` needs a count that nothing maintains. */
export const apiEndpoints: Check = {
  id,
  title: 'API servers register themselves in the Service default/kubernetes',
  beside: 'In-cluster clients reach the API servers by these, not by the load balancer.',
  async check(run) {
    const facts = await run.nodeFacts(run.first)
    const reconciler = staticPodFlag(facts, 'kube-apiserver', flag) ?? 'lease'
    if (reconciler === 'lease') return []
    return [
      {
        id,
        severity: 'error',
        message: 'a new API server would not register itself in the Service default/kubernetes: pods would not use it',
        evidence: `kube-apiserver.yaml: ${flag}=${reconciler}`,
        remedy: `Delete endpoint-reconciler-type under apiServer.extraArgs in kubeadm-config, and ${flag} from ${manifestOf(facts, 'kube-apiserver')}: the default is lease`,
      },
    ]
  },
}
