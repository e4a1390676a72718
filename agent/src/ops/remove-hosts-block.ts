import type { RemoveHostsBlockRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { withoutHostsBlock } from '@quorate/shared/hosts-file'
import { editFile, isEdited } from './edit-file.js'
import { changeOperation } from './operation.js'
import { hostsPath } from './paths.js'
import { unchanged } from './result.js'

/** Removes Quorate's block from /etc/hosts, byte for byte back to what was around it. */
export const removeHostsBlock = changeOperation<RemoveHostsBlockRequest>(
  async (_request, context) => {
    const alreadySo = `${hostsPath} has no block of Quorate's`
    if ((await context.tools.host.read(hostsPath)) === undefined) return unchanged(alreadySo)
    return editFile(context, {
      path: hostsPath,
      edit: (text) => withoutHostsBlock(text ?? ''),
      mode: 0o644,
      done: `removed Quorate's block from ${hostsPath}`,
      alreadySo,
    })
  },
  { evidence: (_, context) => isEdited(context, hostsPath, (text) => withoutHostsBlock(text ?? '')) },
)
