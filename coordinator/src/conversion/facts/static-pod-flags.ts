import { lastFlag } from '@quorate/shared/flags'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'

/** Value of a flag on a static pod's command line, such as `--advertise-address`; undefined when pod or flag is absent. */
export function staticPodFlag(facts: NodeFacts, component: string, flag: string): string | undefined {
  const command = facts.staticPods.find((pod) => pod.component === component)?.command ?? []
  return lastFlag(command, flag.replace(/^--/, ''))
}

/** Port of the node's own API server: `--secure-port`, kubeadm's default 6443 where the manifest does not say. */
export function apiServerPort(facts: NodeFacts): number {
  return Number(staticPodFlag(facts, 'kube-apiserver', '--secure-port') ?? 6443)
}
