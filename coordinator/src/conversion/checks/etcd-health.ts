import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import type { EtcdFacts } from '../run.js'
import type { Check, Finding } from './check.js'

const id = 'etcd-health'

/** A dead or unknown member makes the first join fail, or worse, takes the quorum with it (wksctl#284, kubernetes#81071, kubeadm#1846). */
export const etcdHealth: Check = {
  id,
  title: 'etcd is healthy and has no strangers, learners or alarms',
  async check(run) {
    const etcd = await run.etcd()
    const names = new Set<string>(run.controlPlanes.map((node) => node.name))
    return [...etcd.members.flatMap((member) => ofMember(member, etcd, names)), ...ofAlarms(etcd)]
  },
}

function ofMember(member: EtcdMember, etcd: EtcdFacts, names: ReadonlySet<string>): Finding[] {
  const problem = problemOf(member, etcd, names)
  if (problem === undefined) return []
  return [
    {
      id,
      severity: 'error',
      ...(names.has(member.name) ? { node: member.name } : {}),
      message: problem.message,
      evidence: `member ${member.id}, name ${member.name || '(none)'}, peer URLs ${member.peerUrls.join(', ') || '(none)'}, learner ${member.learner}${problem.seen}`,
      remedy: problem.remedy,
    },
  ]
}

interface Problem {
  readonly message: string
  readonly seen: string
  readonly remedy: string
}

function problemOf(member: EtcdMember, etcd: EtcdFacts, names: ReadonlySet<string>): Problem | undefined {
  const remove = `If that member is gone for good: etcdctl member remove ${member.id} (docs/runbook.md#etcd says how to call etcdctl)`
  if (member.name === '') return { message: 'etcd has a member that never started', seen: '', remedy: remove }
  if (!names.has(member.name))
    return { message: `etcd has a member that the file does not name: ${member.name}`, seen: '', remedy: remove }
  if (member.learner) return { message: 'etcd has a learner: a join did not end', seen: '', remedy: remove }
  const status = member.status
  if (status === undefined)
    return {
      message: 'an etcd member does not answer',
      seen: '; no answer',
      remedy: 'On that node: journalctl -u kubelet, and the log of the etcd container under /var/log/pods',
    }
  if (status.learner)
    return {
      message: 'a member believes to be a learner while the list says voter (etcd#18347)',
      seen: '; its own status: learner',
      remedy: 'Upgrade etcd to a later patch release first; see docs/runbook.md#etcd',
    }
  if (status.errors.length > 0)
    return {
      message: 'an etcd member reports errors',
      seen: `; ${status.errors.join('; ')}`,
      remedy: 'See docs/runbook.md#etcd',
    }
  if (status.clusterId !== '' && etcd.clusterId !== '' && status.clusterId !== etcd.clusterId) {
    return {
      message: 'a member belongs to another etcd cluster',
      seen: `; its cluster ${status.clusterId}, ours ${etcd.clusterId}`,
      remedy: 'See docs/runbook.md#etcd',
    }
  }
  return undefined
}

function ofAlarms({ alarms }: EtcdFacts): Finding[] {
  return alarms.map((alarm) => ({
    id,
    severity: 'error',
    message: 'etcd has an alarm',
    evidence: alarm,
    remedy: /NOSPACE/i.test(alarm)
      ? 'Make room: etcdctl defrag, then etcdctl alarm disarm (docs/runbook.md#etcd)'
      : 'See docs/runbook.md#etcd before doing anything to its data',
  }))
}
