import type { CreateJoinTokenRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { lostSecretsEvidence, makeToken } from './cluster/bootstrap-token.js'
import { requireRecipients, sealJoinSecret } from './cluster/seal-join-secret.js'
import { changeOperation } from './operation.js'
import { changed } from './result.js'

/** A token alone is enough for kubeadm's preflight, which reads the cluster's configuration but no certificate. */
export const createJoinToken = changeOperation<CreateJoinTokenRequest>(
  async (request, { tools, header, signal }) => {
    requireRecipients(request.recipients)
    const { id, token, expires } = await makeToken(await tools.kube(), {
      runId: header.runId,
      ttlSeconds: request.tokenTtlSeconds,
      signal,
    })
    return changed({
      summary: `made join token ${id}, valid until ${expires}`,
      facts: { token_id: id, expires },
      sealed: await sealJoinSecret(tools.sealing, { token, certificateKey: '' }, request.recipients),
    })
  },
  { evidence: (_, context) => lostSecretsEvidence(context) },
)
