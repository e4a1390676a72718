import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import { existingNodes } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'names'

/** Whose node it is stands in the kubelet's kubeconfig: the check kubeconfigs says what is wrong with that. */
const isUnreadable = ({ nodeName, kubeconfigs }: NodeFacts): boolean =>
  nodeName === '' && kubeconfigs.some(({ purpose, problem }) => purpose === 'kubelet' && problem !== '')

/** The file, the kubelets and the API must mean the same node by the same name; and the endpoint must not be one of them. */
export const names: Check = {
  id,
  title: 'Node names match the cluster file',
  async check(run) {
    const existing = await existingNodes(run)
    const answers = await withFacts(run, existing)
    const wrong = answers
      .filter(({ node, facts }) => facts.nodeName !== node.name && !isUnreadable(facts))
      .map(
        ({ node, facts: { nodeName: actual } }): Finding => ({
          id,
          severity: 'error',
          node: node.name,
          message:
            actual === ''
              ? 'it belongs to no cluster, but the cluster file says that it does'
              : `its name in the cluster is ${actual}`,
          evidence: `kubelet's client certificate: ${actual === '' ? '(none)' : `system:node:${actual}`}`,
          remedy:
            actual === ''
              ? 'Remove it from the cluster file, or join it first.'
              : `Write name: ${actual} in the cluster file (or correct its address).`,
        }),
      )
    const taken = run.nodes.filter((node) => node.name === run.endpoint.host)
    return [...wrong, ...taken.map((node): Finding => endpointIsNode(node.name))]
  },
}

function endpointIsNode(node: string): Finding {
  return {
    id,
    severity: 'error',
    node,
    message: 'the endpoint has the name of a node: it must keep working when that node is gone',
    evidence: `endpoint ${node}`,
    remedy:
      'Choose a separate name for the endpoint, such as apiserver.example.com, that resolves to the load balancer.',
  }
}
