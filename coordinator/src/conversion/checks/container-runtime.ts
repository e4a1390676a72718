import type { Finding } from '../context/finding.js'
import { runtimeOf } from '../facts/container-runtime.js'
import { toJoin } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'container-runtime'

/** `unknown service runtime.v1.RuntimeService` is containerd with its CRI plugin disabled (containerd#8139). */
export const containerRuntime: Check = {
  id,
  title: 'The container runtime answers on every control plane',
  async check(run) {
    const joining = await toJoin(run)
    const nodes = await withFacts(run, run.controlPlanes)
    return nodes
      .filter(({ facts }) => facts.containerRuntime === '')
      .map(
        ({ node, facts }): Finding => ({
          id,
          severity: 'error',
          node: node.name,
          message: joining.includes(node)
            ? 'no container runtime answers: kubeadm join needs one'
            : 'the container runtime does not answer the agent',
          evidence: `${facts.criSocket || '(no CRI socket)'}: no answer to runtime.v1 Version`,
          remedy: `On that node: systemctl status ${runtimeOf(facts).unit}; ${runtimeOf(facts).hint}. Another socket is set as criSocket in /etc/quorate/agent.yaml.`,
        }),
      )
  },
}
