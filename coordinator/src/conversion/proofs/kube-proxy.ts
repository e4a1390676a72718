import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { clusterTexts } from '@quorate/shared/text-place'
import { kubeProxyRolledOut } from '../clients/kube-proxy.js'
import type { Proof } from '../context/proof.js'
import { endpointServer } from '../endpoint/servers.js'
import { notProved, resultOf } from './not-proved.js'

const id = 'kube-proxy'

export const kubeProxy: Proof = {
  id,
  title: 'kube-proxy on every node uses the endpoint',
  foreseen: [
    { asks: 'pods that use the endpoint', checks: ['kube-proxy', 'kube-proxy-absent'], stays: ['kube-proxy'] },
  ],
  async prove(run, signal) {
    const { kubeProxy: configMap } = await run.clusterFacts()
    if (configMap?.present !== true) return resultOf([{ what: 'kube-proxy', saw: 'not installed' }])
    const { server } = readKubeconfig(configMap.text, clusterTexts.kubeProxyKubeconfig)
    if (server !== endpointServer(run)) {
      const remedy = 'Run `quorate plan`: it shows the change.'
      return resultOf([
        notProved(id, { message: 'its ConfigMap does not name the endpoint', evidence: `server ${server}`, remedy }),
      ])
    }
    const look = await kubeProxyRolledOut(run, signal)
    const remedy = 'kubectl -n kube-system rollout restart daemonset kube-proxy'
    return resultOf(
      look.holds
        ? look.value
        : [notProved(id, { message: 'its pods do not all use the ConfigMap yet', evidence: look.seen, remedy })],
    )
  },
}
