import { decideEndpointPolicy } from '@quorate/coordinator/conversion/context/endpoint-policy'
import t from 'tap'

const others =
  '; controller-manager and scheduler stay on the API server of their node, because they must not be newer than their API server, which a load balancer cannot guarantee during an upgrade'
const goes =
  "the control plane's kubelet uses the load balancer, because kubeadm of that release joins control planes this way"
const breaks =
  "the control plane's kubelet stays on its own API server, because it fails with an API server older than itself, which the load balancer may select during a cluster upgrade"
const byDefault =
  "the control plane's kubelet stays on its own API server, because kubeadm joins control planes this way by default, and `kubeadm upgrade` would revert any other setting"
const locked =
  "the control plane's kubelet stays on its own API server, because kubeadm always joins control planes this way, and `kubeadm upgrade` would revert any other setting"

/** What the plan says, for each release. */
const sentences: readonly (readonly [version: string, kubelet: 'local' | 'load-balancer', sentence: string])[] = [
  ['v1.28.15', 'load-balancer', `1.28: ${goes}${others}`],
  ['v1.29.6', 'load-balancer', `1.29: ${goes}${others}`],
  ['v1.30.4', 'load-balancer', `1.30: ${goes}${others}`],
  ['v1.31.14', 'local', `1.31: ${breaks}${others}`],
  ['v1.32.13', 'local', `1.32: ${breaks}${others}`],
  ['v1.33.13', 'local', `1.33: ${byDefault}${others}`],
  ['v1.34.4', 'local', `1.34: ${byDefault}${others}`],
  ['v1.35.4', 'local', `1.35: ${locked}${others}`],
  ['v1.36.3', 'local', `1.36: ${locked}${others}`],
  ['v1.37.2', 'local', `1.37: ${locked}${others}`],
  ['v1.38.0', 'local', `1.38: ${locked}${others}`],
]

t.test('by release, as kubeadm of that release makes a control plane, with the reason in words', async (t) => {
  for (const [version, kubelet, reason] of sentences)
    t.same(decideEndpointPolicy(version, 'auto'), {
      kubelet,
      controllerManager: 'local',
      scheduler: 'local',
      reason,
    })
})

t.test('the cluster file decides for all three', async (t) => {
  for (const version of ['v1.30.4', 'v1.37.2']) {
    t.same(decideEndpointPolicy(version, 'local'), {
      kubelet: 'local',
      controllerManager: 'local',
      scheduler: 'local',
      reason:
        "The control planes' kubelet, controller-manager and scheduler stay on their own API server, because the cluster file sets policy.controlPlaneKubeconfigs: local",
    })
    t.match(decideEndpointPolicy(version, 'load-balancer'), {
      kubelet: 'load-balancer',
      controllerManager: 'load-balancer',
      scheduler: 'load-balancer',
      reason: /use the load balancer, because the cluster file sets policy/,
    })
  }
})
