import { QuorateError } from '@quorate/shared/errors'
import type { DeleteJoinSecretsRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { certificatesRole, certificatesSecret } from './cluster/certificates-secret.js'
import { apiPath, type Secret } from './cluster/kube-objects.js'
import { changeOperation, doneIf } from './operation.js'
import { changed, unchanged } from './result.js'

/**
 * Deletes the token, Secret kubeadm-certs, and the short-lived token that kubeadm made to own that Secret (copycerts.go); where asked also
 * the Role and RoleBinding that it made for joiners.
 */
export const deleteJoinSecrets = changeOperation<DeleteJoinSecretsRequest>(
  async ({ tokenId, withRole }, { tools, signal }) => {
    if (tokenId !== '' && !/^[a-z0-9]{6}$/.test(tokenId))
      throw new QuorateError('INVALID_REQUEST', 'not the id of a bootstrap token')
    const kube = await tools.kube()
    const certificates = await kube.get<Secret>(certificatesSecret, signal)
    const owners = (certificates?.metadata.ownerReferences ?? [])
      .filter(({ kind, name }) => kind === 'Secret' && name.startsWith('bootstrap-token-'))
      .map(({ name }) => apiPath.secret(name))
    const paths = [
      certificatesSecret,
      ...owners,
      ...(tokenId === '' ? [] : [apiPath.secret(`bootstrap-token-${tokenId}`)]),
      ...(withRole ? certificatesRole : []),
    ]
    const present = await Promise.all(paths.map((path) => kube.get<Secret>(path, signal)))
    const doomed = paths.filter((_, index) => present[index] !== undefined)
    for (const path of doomed) await kube.remove(path, signal)
    const names = doomed.map((path) => path.slice(path.lastIndexOf('/') + 1))
    return names.length === 0
      ? unchanged('no join secrets are left')
      : changed({ summary: `deleted ${names.join(', ')}` })
  },
  {
    evidence: async ({ tokenId, withRole }, { tools, signal }) => {
      const kube = await tools.kube()
      const token = tokenId === '' ? [] : [apiPath.secret(`bootstrap-token-${tokenId}`)]
      const role = withRole ? certificatesRole : []
      const paths = [certificatesSecret, ...token, ...role]
      const found = await Promise.all(paths.map((path) => kube.get<Secret>(path, signal)))
      return doneIf(found.every((secret) => secret === undefined))
    },
  },
)
