import type { ListEtcdMembersRequest, ListEtcdMembersResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './operation.js'

/** The member list is one member's word; each member's own status stands beside it, for the two can differ (etcd issue 18347). */
export const listEtcdMembers = readOperation<ListEtcdMembersRequest, ListEtcdMembersResponse>(
  async ({ authentication }, tools, signal) => {
    const etcd = await tools.etcd()
    try {
      const [{ members, alarms, clusterId }, answer] = await Promise.all([
        etcd.members(signal),
        authentication ? etcd.authentication(signal) : '',
      ])
      return { members, alarms, clusterId, authentication: answer, clientName: etcd.clientName }
    } finally {
      etcd.close()
    }
  },
)
