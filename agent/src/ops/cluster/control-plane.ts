import { QuorateError } from '@quorate/shared/errors'
import { initDocuments } from '@quorate/shared/kubeadm-documents'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { readCertificate } from '@quorate/shared/pki'
import { filePlace } from '@quorate/shared/text-place'
import type { Host } from '../../host/host.js'
import { type NodeKubelet, readKubelet } from '../../host/kubelet-places.js'
import { readLocalApiServer } from '../../host/local-api-server.js'
import type { Tools } from '../context/tools.js'

const userPrefix = 'system:node:'

/**
 * This node's name in the cluster: from its kubelet's client certificate (rotated file, or inside kubelet.conf on nodes made before
 * 1.17). Not the hostname, which may differ with kubeadm. NOT_A_CONTROL_PLANE if the kubelet has none.
 */
export async function readNodeName(host: Host): Promise<string> {
  const kubelet = await readKubelet(host)
  const rotated = `${kubelet.certDir}/kubelet-client-current.pem`
  const pem =
    (await host.read(rotated, { followLinks: true }))?.bytes.toString('utf8') ??
    (await embeddedCertificate(host, kubelet))
  const commonName = pem === undefined ? '' : readCertificate(pem).commonName
  if (commonName.startsWith(userPrefix)) return commonName.slice(userPrefix.length)
  throw new QuorateError('NOT_A_CONTROL_PLANE', 'the kubelet of this node has no client certificate of a cluster', {
    where: rotated,
  })
}

async function embeddedCertificate(host: Host, { kubeconfig }: NodeKubelet): Promise<string | undefined> {
  const file = await host.read(kubeconfig)
  return file === undefined
    ? undefined
    : readKubeconfig(file.bytes.toString('utf8'), filePlace(kubeconfig)).clientCertificatePem
}

export interface InitDocumentOptions {
  /** data.ClusterConfiguration of kubeadm-config, or an edited copy of it. */
  readonly clusterConfiguration: string
  readonly certificateKey?: string
  readonly certificatesDir?: string
  /** For kubeadm's patches of manifests. */
  readonly patchesFolder?: string
}

/**
 * The `--config` of a kubeadm init phase on this control plane, with its real name and address: kubeadm would otherwise take the hostname
 * and the default route's address, and the certificate would lose the real ones (kubernetes/kubeadm issue 3313).
 */
export async function initDocument({ host, criSocket }: Tools, options: InitDocumentOptions): Promise<string> {
  const [nodeName, { address, port }] = await Promise.all([readNodeName(host), readLocalApiServer(host)])
  return initDocuments({ ...options, nodeName, advertiseAddress: address, bindPort: port, criSocket })
}
