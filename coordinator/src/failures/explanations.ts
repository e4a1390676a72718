import type { Explanation } from './explanation.js'
import { saidByAny } from './said-by-any.js'
import { saidByApiServer } from './said-by-api-server.js'
import { saidByEtcd } from './said-by-etcd.js'
import { saidByKubeadm } from './said-by-kubeadm.js'
import { saidByKubeadmOfNodes } from './said-by-kubeadm-of-nodes.js'
import { saidByKubelet } from './said-by-kubelet.js'
import { saidByLoadBalancers } from './said-by-load-balancers.js'
import { saidByNetwork } from './said-by-network.js'
import { saidByNodes } from './said-by-nodes.js'
import { saidByTls } from './said-by-tls.js'

/** Every message that is recognised, the particular before the general: a line is the first that matches it. */
export const allExplanations: readonly Explanation[] = [
  ...saidByKubeadm,
  ...saidByKubeadmOfNodes,
  ...saidByEtcd,
  ...saidByLoadBalancers,
  ...saidByApiServer,
  ...saidByTls,
  ...saidByKubelet,
  ...saidByNetwork,
  ...saidByNodes,
  ...saidByAny,
]

/** What one line of a log means; undefined for what is not known. */
export function explainLine(line: string): Explanation | undefined {
  const said = unquoted(line)
  return allExplanations.find(({ pattern }) => pattern.test(said))
}

/** Container logs and klog's err="..." have the quotes of a message escaped, once or twice. */
const unquoted = (line: string): string =>
  line.includes('\\"') ? line.replaceAll('\\\\\\"', '"').replaceAll('\\"', '"') : line
