import { QuorateError } from '@quorate/shared/errors'
import type { RewriteKubeconfigRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { pointKubeconfigAt } from '@quorate/shared/kubeconfig'
import { redactKubeconfig } from '@quorate/shared/redact-kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import { editFile, isEdited } from './backup/edit-file.js'
import { changeOperation } from './context/operation.js'
import { kubeconfigPath } from './context/paths.js'

const serverPattern = /^https:\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+):[0-9]{1,5}$/

/** Replaces the single server scalar of a kubeconfig's current cluster; every other byte, the mode and the owner stay. */
export const rewriteKubeconfig = changeOperation<RewriteKubeconfigRequest>(
  async (request, context) => {
    const { purpose, server, expectedSha256 } = request
    const path = await kubeconfigPath(context.tools.host, purpose, request.path)
    if (!serverPattern.test(server)) {
      throw new QuorateError('INVALID_REQUEST', `not a server of the form https://HOST:PORT: ${JSON.stringify(server)}`)
    }
    return editFile(context, {
      path,
      edit: (text) => point(path, text, server),
      expectedSha256,
      mode: 0o600,
      done: `${path} points at ${server}`,
      alreadySo: `${path} already points at ${server}`,
      redactText: redactKubeconfig,
    })
  },
  {
    evidence: async ({ purpose, path, server }, context) => {
      const file = await kubeconfigPath(context.tools.host, purpose, path)
      return isEdited(context, file, (text) => point(file, text, server))
    },
  },
)

function point(path: string, text: string | undefined, server: string): string {
  if (text !== undefined) return pointKubeconfigAt(text, server, filePlace(path))
  throw new QuorateError('KUBECONFIG_INVALID', `${path} does not exist`, {
    where: path,
    remedy: 'The plan found this file. Run `quorate plan` again.',
  })
}
