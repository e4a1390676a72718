import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { clusterTexts } from '@quorate/shared/text-place'
import type { Proof } from '../context/proof.js'
import { endpointServer } from '../endpoint/servers.js'
import { notProved, resultOf } from './not-proved.js'

const id = 'cluster-info'

/** What every node that joins from now on takes as its server. */
export const clusterInfo: Proof = {
  id,
  title: 'cluster-info names the endpoint',
  foreseen: [{ asks: 'the endpoint in it', checks: ['cluster-ca'] }],
  async prove(run) {
    const { server } = readKubeconfig((await run.clusterFacts()).clusterInfo?.text ?? '', clusterTexts.clusterInfo)
    const what = 'configmap/kube-public/cluster-info'
    if (server === endpointServer(run)) return resultOf([{ what, saw: server }])
    const remedy = 'Run `quorate plan`: it shows the change. kubeadm never updates it.'
    return resultOf([
      notProved(id, {
        message: `nodes that join later would use ${server}`,
        evidence: `${what}: server ${server}`,
        remedy,
      }),
    ])
  },
}
