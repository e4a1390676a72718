import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import type { Check } from './check.js'

const id = 'admin-kubeconfig'
const path = '/etc/kubernetes/admin.conf'

/** Some keep it off the node (kubernetes#121305, CIS 1.1.13). The agent asks its own API server with it, and kubeadm does as well. */
export const adminKubeconfig: Check = {
  id,
  title: 'The first control plane has admin.conf',
  beside: 'Some operators keep it off the node on purpose: everything else runs without it.',
  async check(run) {
    const facts = await run.nodeFacts(run.first)
    const hasApiServer = facts.staticPods.some(({ component }) => component === 'kube-apiserver')
    const isThere = facts.kubeconfigs.some(({ purpose }) => purpose === 'admin')
    return hasApiServer && !isThere ? [missing(run.first, facts)] : []
  },
}

/** Which error of the agent it stands for: what could not be read for that reason is not reported again. */
export const adminKubeconfigMissing = { id, code: 'ADMIN_KUBECONFIG_MISSING' } as const

function missing(node: NodeEntry, facts: NodeFacts): Finding {
  const port = apiServerPort(facts)
  const make = [
    'kubeadm init phase kubeconfig admin',
    `--apiserver-advertise-address ${node.address}`,
    ...(port === 6443 ? [] : [`--apiserver-bind-port ${port}`]),
    `--kubernetes-version ${facts.kubeadmVersion}`,
  ].join(' ')
  return {
    id,
    severity: 'error',
    node: node.name,
    message: `${path} is missing: Quorate reads and changes the cluster with it, on this node only`,
    evidence: `${path}: no such file`,
    remedy: `Put it back for the conversion, on that node: install -m 600 FILE ${path}, where FILE is your copy. If it is lost, create another: ${make}. You can remove it when the conversion has finished.`,
  }
}
