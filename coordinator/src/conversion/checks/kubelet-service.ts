import type { Finding } from '../context/finding.js'
import { toJoin } from '../facts/membership.js'
import { unitOf } from '../facts/unit-of.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'kubelet-service'

/** kubeadm starts the kubelet but does not enable it: without it the control plane does not return after a reboot. */
export const kubeletService: Check = {
  id,
  title: 'The kubelet starts at boot on the joiners',
  beside: "kubeadm's own preflight warns of it; the node would not come back after a reboot.",
  async check(run) {
    const joining = await toJoin(run)
    const nodes = await withFacts(run, joining)
    return nodes.flatMap(({ name, facts }): Finding[] => {
      const unit = unitOf(facts, 'kubelet')
      if (unit === undefined || unit.unitFileState.startsWith('enabled') || unit.unitFileState === '') return []
      return [
        {
          id,
          severity: 'warning',
          node: name,
          message: 'the kubelet is not enabled: this control plane would not return after a reboot',
          evidence: `kubelet.service: ${unit.unitFileState}`,
          remedy: 'On that node: systemctl enable kubelet',
        },
      ]
    })
  },
}
