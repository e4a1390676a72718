import { QuorateError } from '@quorate/shared/errors'
import type { ResolveNameRequest, ResolveNameResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { isDnsName } from '@quorate/shared/names'
import { readOperation } from './context/operation.js'

/** The addresses that this node's programs get for a name (getent: /etc/hosts and DNS in the order of nsswitch.conf), not through cluster DNS. */
export const resolveName = readOperation<ResolveNameRequest, ResolveNameResponse>(async ({ name }, tools, signal) => {
  if (!isDnsName(name)) throw new QuorateError('INVALID_REQUEST', `not a DNS name: ${JSON.stringify(name)}`)
  return { addresses: await tools.network.resolve(name, signal) }
})
