import { QuorateError } from '@quorate/shared/errors'
import { forecastQuorum, type QuorumForecast } from '@quorate/shared/etcd-quorum'
import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import type { RemoveEtcdMemberRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readStaticPod } from '@quorate/shared/static-pod'
import { filePlace } from '@quorate/shared/text-place'
import type { Host } from '../host/host.js'
import { memberEvidence } from './cluster/member-evidence.js'
import { changeOperation } from './context/operation.js'
import { manifestOn } from './context/paths.js'
import { changed, unchanged } from './context/result.js'

/** Removes a member if etcd has quorum now and the remaining voters have it afterwards; otherwise QUORUM_AT_RISK. */
export const removeEtcdMember = changeOperation<RemoveEtcdMemberRequest>(
  async ({ memberId }, { tools, signal, progress }) => {
    const etcd = await tools.etcd()
    try {
      const { members } = await etcd.members(signal)
      const leaving = members.find(({ id }) => id === memberId)
      if (leaving === undefined) return unchanged(`etcd has no member ${memberId}`)
      await refuseOwn(tools.host, leaving)
      refuseRisk('now', forecastQuorum(members), memberId)
      const after = forecastQuorum(members.filter(({ id }) => id !== memberId))
      refuseRisk('after the removal', after, memberId)
      progress(
        `removing etcd member ${memberId} (${leaving.name || 'never started'}): ${after.healthy} of ${after.voters} voters remain healthy`,
      )
      await etcd.removeMember(memberId, signal)
      return changed({ summary: `removed etcd member ${memberId}`, facts: { voters: String(after.voters) } })
    } finally {
      etcd.close()
    }
  },
  { evidence: ({ memberId }, context) => memberEvidence(context, (member) => member(memberId) === undefined) },
)

function refuseRisk(when: string, { voters, healthy, holds }: QuorumForecast, memberId: string): void {
  if (holds) return
  throw new QuorateError(
    'QUORUM_AT_RISK',
    `${when}, ${healthy} of ${voters} voters of etcd are healthy: member ${memberId} was not removed`,
  )
}

/** A member that removes itself stops before it can answer: a remaining member is asked. */
async function refuseOwn(host: Host, { id, name }: EtcdMember): Promise<void> {
  const path = await manifestOn(host, 'etcd')
  const manifest = await host.read(path)
  const pod = manifest === undefined ? undefined : readStaticPod(manifest.bytes.toString('utf8'), filePlace(path))
  const own = pod?.flags['name']
  if (name !== '' && name === own) throw new QuorateError('NOT_IN_TABLE', `member ${id} is this node's own etcd`)
}
