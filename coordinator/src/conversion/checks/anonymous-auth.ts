import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { toJoin } from '../facts/membership.js'
import { patchedBy, patchesFolder } from '../facts/patches.js'
import { discoversByFile } from '../joining/discovery.js'
import type { Check } from './check.js'

const id = 'anonymous-auth'

/** Without credentials the load balancer asks /readyz, the kubelet /livez, and kubeadm's discovery cluster-info (kubeadm#663, k3s#3576). */
export const anonymousAuth: Check = {
  id,
  title: 'Discovery and health checks work without anonymous requests if the API server refuses them',
  async check(run) {
    const cluster = await run.clusterFacts()
    const discovery = discoversByFile(cluster) && (await toJoin(run)).length > 0 ? [discoveryByFile(run)] : []
    return cluster.anonymousReadyz ? discovery : [...discovery, ...(await ofHealth(run))]
  },
}

function discoveryByFile(run: ConversionRun): Finding {
  return {
    id,
    severity: 'info',
    node: run.first.name,
    message:
      'the joiners discover the cluster through a file with their token: cluster-info is refused without credentials',
    evidence: 'GET kube-public/cluster-info without credentials is refused',
    remedy: 'Nothing to do. The file is in tmpfs, mode 0600, and is deleted when the join has finished.',
  }
}

/** kubeadm writes probes without credentials into every joiner's manifest: if they are refused, the kubelet restarts the API server repeatedly (kubernetes#43784). */
async function ofHealth(run: ConversionRun): Promise<readonly Finding[]> {
  const about = { id, node: run.first.name, evidence: 'GET /readyz without credentials is not answered 200' } as const
  const patched = patchedBy(await run.nodeFacts(run.first)).has('kube-apiserver')
  if (!patched && (await toJoin(run)).length > 0) {
    return [
      {
        ...about,
        severity: 'error',
        message:
          "kubeadm gives a joiner's API server probes without credentials, and refused probes would restart it repeatedly",
        remedy: `Allow /livez, /readyz and /healthz without credentials with an AuthenticationConfiguration (1.31 and later); or put the kubeadm patch that changes the probes of this node into ${patchesFolder}, as kube-apiserver+json.yaml.`,
      },
    ]
  }
  if (run.loadBalancer.runBy === 'operator') {
    return [
      {
        ...about,
        severity: 'warning',
        message: "the load balancer's health check must accept 401 as healthy: /readyz is refused without credentials",
        remedy: 'Let it expect 200, 401 or 403 from GET /readyz, or give it a client certificate.',
      },
    ]
  }
  return [
    {
      ...about,
      severity: 'info',
      message: 'the load balancer accepts 401 as healthy: it sees that an API server answers, not that it is ready',
      remedy:
        'Nothing to do. An AuthenticationConfiguration (1.31 and later) that allows only /readyz would let it check readiness.',
    },
  ]
}
