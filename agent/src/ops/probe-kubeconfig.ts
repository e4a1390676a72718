import type { ProbeKubeconfigRequest, ProbeKubeconfigResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'
import { kubeconfigPath } from './context/paths.js'
import { clusterCa } from './network/cluster-ca.js'
import { credentialsOf, readView } from './network/kubeconfig-credentials.js'

/**
 * An authenticated GET of /version with one kubeconfig of this node, unchanged: server, CA and client certificate
 * are its own. A failure is a result, not an error.
 */
export const probeKubeconfig = readOperation<ProbeKubeconfigRequest, ProbeKubeconfigResponse>(
  async (request, tools, signal) => {
    const path = await kubeconfigPath(tools.host, request.purpose, request.path)
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
