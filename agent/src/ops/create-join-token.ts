import { readClusterConfiguration } from '@quorate/shared/cluster-config-map'
import type { CreateJoinTokenRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { lostSecretsEvidence, makeToken } from './cluster/bootstrap-token.js'
import { requireConfigMap } from './cluster/edit-config-map.js'
import { placeOfCluster, requireRecipients, sealJoinSecret } from './cluster/seal-join-secret.js'
import { changeOperation } from './context/operation.js'
import { changed } from './context/result.js'

/** A token alone is enough for kubeadm's preflight, which reads the cluster's configuration but no certificate. */
export const createJoinToken = changeOperation<CreateJoinTokenRequest>(
  async (request, { tools, header, signal }) => {
    const { recipients } = request
    requireRecipients(tools, recipients)
    const { runId } = header
    const kube = await tools.kube()
    const { text } = await requireConfigMap(kube, 'configmap/kube-system/kubeadm-config', signal)
    const place = await placeOfCluster(tools, readClusterConfiguration(text).controlPlaneEndpoint)
    const { id, token, expires } = await makeToken(kube, {
      runId,
      ttlSeconds: request.tokenTtlSeconds,
      signal,
    })
    return changed({
      summary: `made join token ${id}, valid until ${expires}`,
      facts: { token_id: id, expires },
      sealed: await sealJoinSecret(
        tools,
        { token, certificateKey: '', ...place },
        { recipients, about: { purpose: 'join-token', runId } },
      ),
    })
  },
  { evidence: (_, context) => lostSecretsEvidence(context) },
)
