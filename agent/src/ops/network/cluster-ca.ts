import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import type { Host } from '../../host/host.js'
import { readKubelet } from '../../host/kubelet-places.js'
import { pkiOn } from '../context/paths.js'

/** PEM of the cluster CA on this node: pki/ca.crt, else the one inside kubelet.conf; undefined on a node in no cluster. */
export async function clusterCa(host: Host): Promise<string | undefined> {
  const file = await host.read(await pkiOn(host, 'ca.crt'), { followLinks: true })
  if (file !== undefined) return file.bytes.toString('utf8')
  const { kubeconfig } = await readKubelet(host)
  const kubelet = await host.read(kubeconfig, { followLinks: true })
  return kubelet === undefined ? undefined : readKubeconfig(kubelet.bytes.toString('utf8'), filePlace(kubeconfig)).caPem
}
