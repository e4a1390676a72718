import { verifyClusterInfoSignature } from '@quorate/shared/bootstrap-token'
import { QuorateError } from '@quorate/shared/errors'
import type { ProbeDiscoveryRequest, ProbeDiscoveryResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { parseEndpoint, serverUrl } from '@quorate/shared/names'
import { clusterTexts } from '@quorate/shared/text-place'
import { type JoinSecret, readJoinSecret, requireEndpoint, tokenIdOf } from './cluster/join-secret.js'
import { apiPath, type ConfigMap } from './cluster/kube-objects.js'
import { readOperation } from './context/operation.js'
import type { Tools } from './context/tools.js'

/**
 * What kubeadm's discovery does first: cluster-info without credentials, and its signature for our token (kubeadm discovery/token); or,
 * by file, what it reads with the token of that file, the configuration of the cluster (kubeadm discovery/file). The token goes only where the
 * control plane that sealed it said: endpoint and CA are those of the join secret.
 */
export const probeDiscovery = readOperation<ProbeDiscoveryRequest, ProbeDiscoveryResponse>(
  async (request, tools, signal) => {
    const endpoint = parseEndpoint(request.endpoint)
    if (endpoint === undefined)
      throw new QuorateError('INVALID_REQUEST', `not an endpoint: ${JSON.stringify(request.endpoint)}`)
    const secret = await readJoinSecret(tools.host)
    if (secret === undefined) return failed('no join secret is placed on this node')
    requireEndpoint(secret, request.endpoint)
    if (request.byFile) return byFile(secret, tools, { server: serverUrl(endpoint), signal })
    const url = serverUrl(endpoint) + apiPath.configMap('kube-public', 'cluster-info')
    try {
      const { status, body } = await tools.network.get(url, secret.caPem, undefined, signal)
      if (status !== 200) return failed(`cluster-info answered ${status} to a request without credentials`)
      const { data = {} } = JSON.parse(body) as ConfigMap
      const [text = '', jws] = [data['kubeconfig'], data[`jws-kubeconfig-${tokenIdOf(secret)}`]]
      const { server } = readKubeconfig(text, clusterTexts.clusterInfo)
      if (jws === undefined)
        return { ...failed(`cluster-info has no signature for token ${tokenIdOf(secret)}`), server }
      const signatureValid = verifyClusterInfoSignature(text, jws, secret.token)
      return {
        ...failed(''),
        signatureValid,
        server,
        error: signatureValid ? '' : 'the signature of cluster-info is not that of its text',
      }
    } catch (error) {
      signal.throwIfAborted()
      return failed(error instanceof Error ? error.message : String(error))
    }
  },
)

interface ByFile {
  readonly server: string
  readonly signal: AbortSignal
}

async function byFile(
  { caPem, token }: JoinSecret,
  { network }: Tools,
  { server, signal }: ByFile,
): Promise<ProbeDiscoveryResponse> {
  try {
    const url = server + apiPath.configMap('kube-system', 'kubeadm-config')
    const { status } = await network.get(url, caPem, { token }, signal)
    if (status !== 200) return failed(`kubeadm-config answered ${status} to the join token`)
    return { ...failed(''), tokenAccepted: true, server }
  } catch (error) {
    signal.throwIfAborted()
    return failed(error instanceof Error ? error.message : String(error))
  }
}

const failed = (error: string): ProbeDiscoveryResponse => ({
  signatureValid: false,
  server: '',
  error,
  tokenAccepted: false,
})
