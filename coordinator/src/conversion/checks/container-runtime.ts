import { asQuorateError } from '@quorate/shared/errors'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { runtimeOf } from '../facts/container-runtime.js'
import { toJoin } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'container-runtime'
/** A plan does not wait longer for a reason. */
const askMs = 5_000

/** `unknown service runtime.v1.RuntimeService` is containerd with its CRI plugin disabled (containerd#8139). */
export const containerRuntime: Check = {
  id,
  title: 'The container runtime answers on every control plane',
  async check(run) {
    const joining = await toJoin(run)
    const nodes = await withFacts(run, run.controlPlanes)
    return Promise.all(
      nodes
        .filter(({ facts }) => facts.containerRuntime === '')
        .map(
          async ({ node, facts }): Promise<Finding> => ({
            id,
            severity: 'error',
            node: node.name,
            message: joining.includes(node)
              ? 'no container runtime answers: kubeadm join needs one'
              : 'the container runtime does not answer the agent',
            evidence: `${facts.criSocket || '(no CRI socket)'}: ${await reason(run, node)}`,
            remedy: `On that node: systemctl status ${runtimeOf(facts).unit}; ${runtimeOf(facts).hint}. Another socket is set as criSocket in /etc/quorate/agent.yaml.`,
          }),
        ),
    )
  },
}

/** Facts say only that it has no version. What it answers now, in its own words: it may be any program that has the socket. */
async function reason(run: ConversionRun, node: NodeEntry): Promise<string> {
  const silent = 'no answer to runtime.v1 Version'
  return run
    .agent(node)
    .read('listImages', {}, { deadlineMs: askMs })
    .then(
      () => silent,
      (thrown: unknown) => {
        const { code, message } = asQuorateError(thrown)
        return code === 'CONTAINER_RUNTIME_REFUSED' ? message : silent
      },
    )
}
