import { extraArgs } from '../machines/kubeadm-documents.js'
import type { Piece } from './piece.js'

/**
 * The cluster on its own network, the default route on another. The first control plane's kubelet gets its address as kubeadm's
 * documentation says; workers have it where Debian's package looks, because `kubeadm join` has no flag for it.
 */
export const secondNetwork: Piece = {
  secondCard: true,
  init({ api, init }) {
    init.nodeRegistration.kubeletExtraArgs = extraArgs(api, { 'node-ip': init.localAPIEndpoint.advertiseAddress })
  },
  async before(lab) {
    for (const node of lab.workers)
      await node.put('/etc/default/kubelet', `KUBELET_EXTRA_ARGS=--node-ip=${node.address}\n`)
  },
}
