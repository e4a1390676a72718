import { staysConnectedTo } from '../clients/connected.js'
import type { Proof } from '../context/proof.js'
import { kubeconfigsOf } from '../endpoint/servers.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'kubelet-sockets'

/** Where a kubelet is really connected: it reads its kubeconfig at start only, whatever the file says since. */
export const kubeletSockets: Proof = {
  id,
  title: 'Every kubelet is connected to the server in its kubeconfig',
  foreseen: [{ asks: 'kubelets that use it', checks: ['nodes-ready', 'proxies'], stays: ['nodes-ready'] }],
  async prove(run, signal) {
    const seen = await Promise.all(
      run.nodes.map(async (node): Promise<Seen> => {
        const server = kubeconfigsOf(await run.nodeFacts(node), ['kubelet'])[0]?.server ?? ''
        const look = await staysConnectedTo(run, node, { process: 'kubelet', server, signal })
        if (look.holds) return look.value
        return notProved(id, {
          node: node.name,
          message: 'its kubelet is not connected to the server in its kubeconfig',
          evidence: look.seen,
          remedy: 'On that node: systemctl restart kubelet',
        })
      }),
    )
    return resultOf(seen)
  },
}
