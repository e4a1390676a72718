import { QuorateError } from '@quorate/shared/errors'
import type { DeleteJoinSecretsRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { KubeApi } from '../host/kube-api.js'
import { tokensOwningCertificates } from './cluster/bootstrap-token.js'
import { certificatesRole, certificatesSecret } from './cluster/certificates-secret.js'
import { apiPath, type Secret } from './cluster/kube-objects.js'
import { changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/**
 * Deletes the token, Secret kubeadm-certs, and the short-lived tokens that kubeadm made to own that Secret; on request also the Role and
 * RoleBinding that it made for joiners.
 */
export const deleteJoinSecrets = changeOperation<DeleteJoinSecretsRequest>(
  async (request, { tools, signal }) => {
    if (request.tokenId !== '' && !/^[a-z0-9]{6}$/.test(request.tokenId))
      throw new QuorateError('INVALID_REQUEST', 'not the id of a bootstrap token')
    const kube = await tools.kube()
    const doomed = await left(kube, request, signal)
    for (const path of doomed) await kube.remove(path, signal)
    const names = doomed.map((path) => path.slice(path.lastIndexOf('/') + 1))
    return names.length === 0
      ? unchanged('no join secrets are left')
      : changed({ summary: `deleted ${names.join(', ')}` })
  },
  {
    evidence: async (request, { tools, signal }) =>
      doneIf((await left(await tools.kube(), request, signal)).length === 0),
  },
)

/** Paths of what is to be deleted and still exists. */
async function left(
  kube: KubeApi,
  { tokenId, withRole }: DeleteJoinSecretsRequest,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const tokens = [...(await tokensOwningCertificates(kube, signal)), ...(tokenId === '' ? [] : [tokenId])]
  const paths = [
    certificatesSecret,
    ...tokens.map((id) => apiPath.secret(`bootstrap-token-${id}`)),
    ...(withRole ? certificatesRole : []),
  ]
  const present = await Promise.all(paths.map((path) => kube.get<Secret>(path, signal)))
  return paths.filter((_, index) => present[index] !== undefined)
}
