import { posix } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { type KubeconfigView, readKubeconfig } from '@quorate/shared/kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import type { Host } from '../../host/host.js'
import { readKubelet } from '../../host/kubelet-places.js'
import type { ClientCredentials } from '../../host/network.js'

/** A kubeconfig of this node; KUBECONFIG_INVALID if it does not exist. */
export async function readView(host: Host, path: string): Promise<KubeconfigView> {
  const file = await host.read(path, { followLinks: true })
  if (file === undefined) throw new QuorateError('KUBECONFIG_INVALID', `${path} does not exist`)
  return readKubeconfig(file.bytes.toString('utf8'), filePlace(path))
}

/** The client certificate inside the file, or the kubelet's rotated one. Other files are not opened: a user could name any. */
export async function credentialsOf(host: Host, view: KubeconfigView): Promise<ClientCredentials> {
  const cert = view.clientCertificatePem ?? (await rotated(host, view.clientCertificatePath))
  const key = view.clientKeyPem ?? (await rotated(host, view.clientKeyPath))
  if (cert !== undefined && key !== undefined) return { cert, key }
  throw new QuorateError('KUBECONFIG_INVALID', 'its user has no client certificate that the agent may use')
}

async function rotated(host: Host, path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined || posix.dirname(posix.normalize(path)) !== (await readKubelet(host)).certDir) return undefined
  return (await host.read(path, { followLinks: true }))?.bytes
}
