import { withFacts } from '../with-facts.js'
import type { Check, Finding } from './check.js'

const id = 'firewall'

export const firewall: Check = {
  id,
  title: 'No firewall stands between the control planes',
  async check(run) {
    const nodes = await withFacts(run, run.controlPlanes)
    const ports = `6443,2379,2380,10250,${run.endpoint.port}`.split(',').map((port) => `--add-port=${port}/tcp`)
    return nodes
      .filter(({ facts: { firewalldActive: active } }) => active)
      .map(
        ({ name }): Finding => ({
          id,
          severity: 'warning',
          node: name,
          message: 'firewalld is active: the ports of control plane and load balancer, and VRRP, must be open',
          evidence: 'firewalld.service is active',
          remedy: `On that node: firewall-cmd --permanent ${ports.join(' ')} --add-protocol=vrrp && firewall-cmd --reload`,
        }),
      )
  },
}
