import type { Explanation } from './explanation.js'
import { saidByEtcd } from './said-by-etcd.js'
import { saidByKubeadm } from './said-by-kubeadm.js'
import { saidByNodes } from './said-by-nodes.js'
import { saidByTls } from './said-by-tls.js'

/** Every message that is recognised, the particular before the general: a line is the first that matches it. */
export const allExplanations: readonly Explanation[] = [...saidByKubeadm, ...saidByEtcd, ...saidByTls, ...saidByNodes]

/** What one line of a log means; undefined for what is not known. */
export function explainLine(line: string): Explanation | undefined {
  const said = unquoted(line)
  return allExplanations.find(({ pattern }) => pattern.test(said))
}

/** Container logs and klog's err="..." have the quotes of a message escaped, once or twice. */
const unquoted = (line: string): string =>
  line.includes('\\"') ? line.replaceAll('\\\\\\"', '"').replaceAll('\\"', '"') : line
