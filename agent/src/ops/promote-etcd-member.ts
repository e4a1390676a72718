import { QuorateError } from '@quorate/shared/errors'
import { forecastQuorum } from '@quorate/shared/etcd-quorum'
import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import type { PromoteEtcdMemberRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import { memberEvidence } from './cluster/member-evidence.js'
import { type ChangeOperation, changeOperation } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/** A new member reports its status some seconds after its start: it first publishes its URLs through the leader. */
const syncDeadlineMs = 30_000
/**
 * Entries that a learner may lag. etcd itself requires 90 % of the leader's index (server.go, isLearnerReady) and does not check whether
 * the learner is alive: in an old cluster that could be millions of entries, and a dead second voter.
 */
const mostEntriesBehind = 1000

export const promoteWithin = (deadlineMs: number): ChangeOperation<PromoteEtcdMemberRequest> =>
  changeOperation(
    async ({ memberId }, { tools, signal, progress }) => {
      const etcd = await tools.etcd()
      try {
        const members = async (): Promise<EtcdMember[]> => (await etcd.members(signal)).members
        const first = (await members()).find(({ id }) => id === memberId)
        if (first === undefined) throw new QuorateError('ETCD_REFUSED', `etcd has no member ${memberId}`)
        if (!first.learner) return unchanged(`etcd member ${memberId} is already a voter`, { voter: 'yes' })
        const deadline = { deadlineMs, everyMs: 500, signal, onWaiting: progress }
        const look = async () => inSync(await members(), memberId)
        const seen = await until(`learner ${memberId} to be in sync`, look, deadline).catch(refused)
        refuseRisk(seen, memberId)
        await etcd.promoteMember(memberId, signal)
        return changed({ summary: `etcd member ${memberId} (${first.name}) is a voter now`, facts: { voter: 'yes' } })
      } finally {
        etcd.close()
      }
    },
    { evidence: ({ memberId }, context) => memberEvidence(context, (member) => member(memberId)?.learner === false) },
  )

/**
 * Promotes a learner, as kubeadm's join would have done next: only one that answers now, is in sync with its leader, and leaves
 * a quorum of healthy voters. ETCD_REFUSED while it is not in sync, QUORUM_AT_RISK if the promotion would cost the quorum.
 */
export const promoteEtcdMember = promoteWithin(syncDeadlineMs)

/** A learner that is not in sync is etcd's state, not a gate of the run. */
function refused(error: QuorateError): never {
  throw error.code === 'GATE_TIMEOUT' ? new QuorateError('ETCD_REFUSED', error.message) : error
}

function inSync(members: EtcdMember[], memberId: string): Look<EtcdMember[]> {
  const learner = members.find(({ id }) => id === memberId)
  if (learner?.status === undefined) return notYet(`member ${memberId} does not answer for itself`)
  const leader = members.find(({ id }) => id === learner.status?.leaderId)
  if (leader?.status === undefined) return notYet('the leader does not answer')
  const behind = leader.status.raftIndex - learner.status.raftIndex
  return behind > mostEntriesBehind ? notYet(`it is ${behind} entries behind the leader`) : holds(members)
}

function refuseRisk(members: readonly EtcdMember[], memberId: string): void {
  const after = forecastQuorum(members.map((one) => (one.id === memberId ? { ...one, learner: false } : one)))
  for (const [when, { voters, healthy, holds }] of [
    ['now', forecastQuorum(members)],
    ['after the promotion', after],
  ] as const) {
    if (holds) continue
    throw new QuorateError(
      'QUORUM_AT_RISK',
      `${when}, ${healthy} of ${voters} voters of etcd are healthy: learner ${memberId} was not promoted`,
    )
  }
}
