import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import { toJoin } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'kernel-network'

/** kubeadm looks at ip_forward only where the endpoint is an address, and newer ones no more at br_netfilter (kubeadm#1062, website#33628). */
export const kernelNetwork: Check = {
  id,
  title: "The joiners' kernels forward packets like the first control plane",
  async check(run) {
    const first = await run.nodeFacts(run.first)
    const joining = await toJoin(run)
    const nodes = await withFacts(run, joining)
    return nodes.flatMap(({ name, facts }) => [...ofForwarding(name, facts), ...ofBridge(name, facts, first)])
  },
}

function ofForwarding(node: string, { ipForward }: NodeFacts): Finding[] {
  if (ipForward) return []
  return [
    {
      id,
      severity: 'error',
      node,
      message: 'it does not forward packets: pods on it would have no network',
      evidence: '/proc/sys/net/ipv4/ip_forward is not 1',
      remedy: 'On that node: echo net.ipv4.ip_forward=1 > /etc/sysctl.d/k8s.conf && sysctl --system',
    },
  ]
}

/** The need of the network plugin is not visible; the state of the first control plane is. */
function ofBridge(node: string, facts: NodeFacts, first: NodeFacts): Finding[] {
  if (facts.bridgeNetfilter || !first.bridgeNetfilter) return []
  return [
    {
      id,
      severity: 'warning',
      node,
      message:
        'br_netfilter is not loaded, as it is on the first control plane: Services may not be reached from pods of this node',
      evidence: '/proc/sys/net/bridge/bridge-nf-call-iptables is not 1',
      remedy:
        'On that node: modprobe br_netfilter && echo br_netfilter > /etc/modules-load.d/k8s.conf && sysctl -w net.bridge.bridge-nf-call-iptables=1',
    },
  ]
}
