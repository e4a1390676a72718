import { QuorateError } from '@quorate/shared/errors'
import type { UpdateEtcdMemberRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { memberEvidence } from './cluster/member-evidence.js'
import { changeOperation } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

const isSo = (present: readonly string[] | undefined, wanted: readonly string[]): boolean =>
  present !== undefined && [...present].sort().join() === [...wanted].sort().join()

/** Sets the peer URLs of a member in the member list; ETCD_REFUSED if there is no such member. */
export const updateEtcdMember = changeOperation<UpdateEtcdMemberRequest>(
  async ({ memberId, peerUrls }, { tools, signal }) => {
    const etcd = await tools.etcd()
    try {
      const member = (await etcd.members(signal)).members.find(({ id }) => id === memberId)
      if (member === undefined) throw new QuorateError('ETCD_REFUSED', `etcd has no member ${memberId}`)
      const facts = { member_id: memberId, previous_peer_urls: member.peerUrls.join(',') }
      const list = peerUrls.join(', ')
      if (isSo(member.peerUrls, peerUrls)) return unchanged(`etcd already knows member ${memberId} by ${list}`, facts)
      await etcd.updateMember(memberId, peerUrls, signal)
      return changed({ summary: `etcd knows member ${memberId} by ${list}`, facts })
    } finally {
      etcd.close()
    }
  },
  {
    evidence: ({ memberId, peerUrls }, context) =>
      memberEvidence(context, (member) => isSo(member(memberId)?.peerUrls, peerUrls)),
  },
)
