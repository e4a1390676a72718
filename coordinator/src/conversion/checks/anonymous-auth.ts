import type { Check } from './check.js'

const id = 'anonymous-auth'

/** Discovery reads cluster-info, and the load balancer asks /readyz, without credentials (kubeadm#663, k3s#3576). */
export const anonymousAuth: Check = {
  id,
  title: 'The API server answers /readyz and cluster-info without credentials',
  async check(run) {
    if ((await run.clusterFacts()).anonymousReadyz) return []
    return [
      {
        id,
        severity: 'error',
        node: run.first.name,
        message:
          'anonymous requests are refused: the load balancer could not see whether an API server is ready, and kubeadm join could not read cluster-info',
        evidence: 'GET /readyz without credentials is not answered 200',
        remedy:
          'Allow them for /livez, /readyz and /healthz and for cluster-info by an AuthenticationConfiguration (1.31 and later), or remove --anonymous-auth=false from kube-apiserver.yaml for the time of the conversion.',
      },
    ]
  },
}
