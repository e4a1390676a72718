import type { Test } from 'tap'
import type { Lab } from '../../../lab/real/lab.js'
import { convertsReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

export const flannel: Scenario = {
  id: 'cni-flannel',
  title: 'flannel, which asks the Service `kubernetes`',
  group: 'network',
  outcome: 'converted',
  note: 'Its agents ask the Service `kubernetes`, and so whichever control plane serves; joiners get their pod network from it.',
  real: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, version) => convertsReal(t, version, { with: ['flannel'], looks: (lab) => routes(t, lab), undone: true }),
  },
}

/** Each node has routes to the pods of all others, and an agent that starts finds the API. */
async function routes(t: Test, lab: Lab): Promise<void> {
  const nodes = [...lab.controlPlanes, ...lab.workers]
  const agents = (...argv: readonly string[]) => lab.node('cp1').must(['kubectl', '-n', 'kube-flannel', ...argv])
  // Not `rollout restart`: that writes into the DaemonSet, which shall be as before when the conversion is undone.
  await agents('delete', 'pods', '--selector=app=flannel')
  await agents('rollout', 'status', 'daemonset/kube-flannel-ds', '--timeout=180s')
  for (const node of nodes) {
    const known = await node.must(['ip', 'route'])
    for (const other of nodes.filter((one) => one !== node))
      t.match(
        known,
        new RegExp(`^10\\.244\\.\\d+\\.0/24 via ${other.address} `, 'm'),
        `${node.spec.short} to ${other.spec.short}`,
      )
  }
}
