import { posix } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import type { ProbeKubeconfigRequest, ProbeKubeconfigResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { type KubeconfigView, readKubeconfig } from '@quorate/shared/kubeconfig'
import type { Host } from '../host/host.js'
import type { ClientCredentials } from '../host/network.js'
import { clusterCa } from './network/cluster-ca.js'
import { readOperation } from './operation.js'
import { kubeconfigPath, kubeletPkiFolder } from './paths.js'

/**
 * An authenticated GET of /version through one kubeconfig of this node, as that file stands: server, CA and client certificate
 * are its own. What goes wrong is an answer, not an error.
 */
export const probeKubeconfig = readOperation<ProbeKubeconfigRequest, ProbeKubeconfigResponse>(
  async (request, tools, signal) => {
    const path = kubeconfigPath(request.purpose, request.path)
    let server = ''
    try {
      const view = await readView(tools.host, path)
      server = view.server
      const ca = view.caPem ?? (await clusterCa(tools.host)) ?? ''
      const credentials = await credentialsOf(tools.host, view)
      const { status } = await tools.network.get(`${server}/version`, ca, credentials, signal)
      return { server, httpStatus: status, error: status === 200 ? '' : `the API server answered ${status}` }
    } catch (error) {
      signal.throwIfAborted()
      return { server, httpStatus: 0, error: error instanceof Error ? error.message : String(error) }
    }
  },
)

async function readView(host: Host, path: string): Promise<KubeconfigView> {
  const file = await host.read(path, { followLinks: true })
  if (file === undefined) throw new QuorateError('KUBECONFIG_INVALID', `${path} does not exist`)
  return readKubeconfig(file.bytes.toString('utf8'))
}

/** The client certificate inside the file, or the kubelet's rotated one. Other files are not opened: a user could name any. */
async function credentialsOf(host: Host, view: KubeconfigView): Promise<ClientCredentials> {
  const cert = view.clientCertificatePem ?? (await rotated(host, view.clientCertificatePath))
  const key = view.clientKeyPem ?? (await rotated(host, view.clientKeyPath))
  if (cert !== undefined && key !== undefined) return { cert, key }
  throw new QuorateError('KUBECONFIG_INVALID', 'its user has no client certificate that the agent may use')
}

async function rotated(host: Host, path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined || posix.dirname(posix.normalize(path)) !== kubeletPkiFolder) return undefined
  return (await host.read(path, { followLinks: true }))?.bytes
}
