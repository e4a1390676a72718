import { toJoin } from '../membership.js'
import type { Check, Finding } from './check.js'

const id = 'kubelet-service'

/** kubeadm starts the kubelet but does not enable it: a control plane that does not come back after a reboot is none. */
export const kubeletService: Check = {
  id,
  title: 'The kubelet starts at boot on the joiners',
  async check(run) {
    const joining = await toJoin(run)
    const nodes = await Promise.all(
      joining.map(async (node) => ({ name: node.name, units: (await run.nodeFacts(node)).units })),
    )
    return nodes.flatMap(({ name, units }): Finding[] => {
      const unit = units.find((each) => each.name.replace(/\.service$/, '') === 'kubelet')
      if (unit === undefined || unit.unitFileState.startsWith('enabled') || unit.unitFileState === '') return []
      return [
        {
          id,
          severity: 'warning',
          node: name,
          message: 'the kubelet is not enabled: after a reboot this control plane would stay away',
          evidence: `kubelet.service: ${unit.unitFileState}`,
          remedy: 'On that node: systemctl enable kubelet',
        },
      ]
    })
  },
}
