import { isIPv6 } from 'node:net'
import { QuorateError } from '@quorate/shared/errors'
import { readStaticPod, type StaticPodView } from '@quorate/shared/static-pod'
import { filePlace } from '@quorate/shared/text-place'
import type { Host } from './host.js'
import { readFolders } from './node-folders.js'

const advertised = 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint'

/** This control plane's API server, from its own static pod. */
export interface LocalApiServer {
  readonly address: string
  readonly port: number
  /** `https://192.168.13.30:6443` */
  readonly url: string
  readonly pod: StaticPodView
}

/** From --advertise-address and --secure-port; without the address, from kubeadm's annotation. NOT_A_CONTROL_PLANE without a manifest. */
export async function readLocalApiServer(host: Host): Promise<LocalApiServer> {
  const manifest = `${(await readFolders(host)).manifests}/kube-apiserver.yaml`
  const file = await host.read(manifest)
  if (file === undefined)
    throw new QuorateError('NOT_A_CONTROL_PLANE', 'there is no API server on this node', { where: manifest })
  const pod = readStaticPod(file.bytes.toString('utf8'), filePlace(manifest))
  const address =
    pod.flags['advertise-address'] ?? pod.annotations[advertised]?.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  if (address === undefined) {
    throw new QuorateError('API_SERVER_REFUSED', 'the manifest names no --advertise-address, nor does its annotation', {
      where: manifest,
    })
  }
  const port = Number(pod.flags['secure-port'] ?? 6443)
  return { address, port, url: `https://${isIPv6(address) ? `[${address}]` : address}:${port}`, pod }
}
