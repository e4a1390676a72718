import type { ClusterFacts, CoreDnsFacts } from '@quorate/shared/gen/quorate/v1/facts'

/** A node as a scheduler sees it. */
interface Room {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly string[]
}

const controlPlane = 'node-role.kubernetes.io/control-plane'

/** What kubeadm makes of a control plane that joins (cmd/kubeadm/app/phases/markcontrolplane). */
const asJoined = (name: string): Room => ({
  name,
  labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': name, [controlPlane]: '' },
  taints: [`${controlPlane}:NoSchedule`],
})

/** Nodes that take a pod of CoreDNS when the others have joined, by its selector and tolerations. */
export function roomForCoreDns(
  { nodes, coreDns }: ClusterFacts,
  joining: readonly { readonly name: string }[],
): readonly string[] {
  if (coreDns === undefined) return []
  const present = nodes.filter(({ name }) => !joining.some((one) => one.name === name))
  return [...present, ...joining.map(({ name }) => asJoined(name))]
    .filter((node) => takes(node, coreDns))
    .map(({ name }) => name)
}

function takes({ labels, taints }: Room, { nodeSelector, tolerations }: CoreDnsFacts): boolean {
  const selected = Object.entries(nodeSelector).every(([key, value]) => labels[key] === value)
  const keptAway = taints.filter((taint) => !taint.endsWith(':PreferNoSchedule'))
  return selected && keptAway.every((taint) => tolerations.some((one) => tolerates(one, taint)))
}

/** `KEY=VALUE:EFFECT` as facts carry both; a toleration without a key is for every taint, without an effect for each. */
function tolerates(toleration: string, taint: string): boolean {
  const [wanted, found] = [partsOf(toleration), partsOf(taint)]
  if (wanted.effect !== '' && wanted.effect !== found.effect) return false
  if (wanted.value === undefined) return wanted.key === '' || wanted.key === found.key
  return wanted.key === found.key && wanted.value === (found.value ?? '')
}

function partsOf(text: string): { key: string; value: string | undefined; effect: string } {
  const [, key = '', value, effect = ''] = /^([^=]*?)(?:=(.*))?:([^:]*)$/.exec(text) ?? []
  return { key, value, effect }
}
