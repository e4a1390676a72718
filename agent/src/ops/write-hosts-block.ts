import { QuorateError } from '@quorate/shared/errors'
import type { WriteHostsBlockRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { withHostsBlock } from '@quorate/shared/hosts-file'
import { isDnsName, isIpAddress } from '@quorate/shared/names'
import { editFile, isEdited } from './backup/edit-file.js'
import { changeOperation } from './context/operation.js'
import { hostsPath } from './context/paths.js'

/** Writes Quorate's block into /etc/hosts: the endpoint's name must resolve on a node without cluster DNS. */
export const writeHostsBlock = changeOperation<WriteHostsBlockRequest>(
  async ({ name, address }, context) => {
    if (!isDnsName(name)) throw new QuorateError('INVALID_REQUEST', `not a DNS name: ${JSON.stringify(name)}`)
    if (!isIpAddress(address))
      throw new QuorateError('INVALID_REQUEST', `not an IP address: ${JSON.stringify(address)}`)
    return editFile(context, {
      path: hostsPath,
      edit: (text) => withHostsBlock(text ?? '', name, address),
      mode: 0o644,
      done: `${hostsPath} names ${name} as ${address}`,
      alreadySo: `${hostsPath} already names ${name} as ${address}`,
    })
  },
  {
    evidence: ({ name, address }, context) =>
      isEdited(context, hostsPath, (text) => withHostsBlock(text ?? '', name, address)),
  },
)
