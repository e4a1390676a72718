import type { ListEtcdMembersRequest, ListEtcdMembersResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'

/** One member answers the member list; each member's own status is beside it, because the two can differ (etcd issue 18347). */
export const listEtcdMembers = readOperation<ListEtcdMembersRequest, ListEtcdMembersResponse>(
  async ({ authentication, localList }, tools, signal) => {
    const etcd = await tools.etcd()
    try {
      const [{ members, alarms, clusterId }, answer] = await Promise.all([
        localList ? etcd.localList(signal) : etcd.members(signal),
        authentication ? etcd.authentication(signal) : '',
      ])
      return { members, alarms, clusterId, authentication: answer, clientName: etcd.clientName }
    } finally {
      etcd.close()
    }
  },
)
