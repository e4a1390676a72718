import { verifyClusterInfoSignature } from '@quorate/shared/bootstrap-token'
import { QuorateError } from '@quorate/shared/errors'
import type { ProbeDiscoveryRequest, ProbeDiscoveryResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { parseEndpoint, serverUrl } from '@quorate/shared/names'
import { apiPath, type ConfigMap } from './cluster/kube-objects.js'
import { readJoinSecret, tokenIdOf } from './join-secret.js'
import { readOperation } from './operation.js'

/** What kubeadm's discovery will do first (kubeadm discovery/token): cluster-info without credentials, and its signature for our token. */
export const probeDiscovery = readOperation<ProbeDiscoveryRequest, ProbeDiscoveryResponse>(
  async (request, tools, signal) => {
    const endpoint = parseEndpoint(request.endpoint)
    if (endpoint === undefined)
      throw new QuorateError('INVALID_REQUEST', `not an endpoint: ${JSON.stringify(request.endpoint)}`)
    const secret = await readJoinSecret(tools.host)
    if (secret === undefined) return failed('no join secret is placed on this node')
    const url = serverUrl(endpoint) + apiPath.configMap('kube-public', 'cluster-info')
    try {
      const { status, body } = await tools.network.get(url, request.caPem, undefined, signal)
      if (status !== 200) return failed(`cluster-info was answered ${status} to a request without credentials`)
      const { data = {} } = JSON.parse(body) as ConfigMap
      const [text = '', jws] = [data['kubeconfig'], data[`jws-kubeconfig-${tokenIdOf(secret)}`]]
      const { server } = readKubeconfig(text)
      if (jws === undefined)
        return { ...failed(`cluster-info has no signature for token ${tokenIdOf(secret)}`), server }
      const signatureValid = verifyClusterInfoSignature(text, jws, secret.token)
      return {
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

const failed = (error: string): ProbeDiscoveryResponse => ({ signatureValid: false, server: '', error })
