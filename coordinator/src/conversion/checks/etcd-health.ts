import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import type { EtcdFacts } from '../context/etcd-facts.js'
import type { Finding } from '../context/finding.js'
import type { Check } from './check.js'

const id = 'etcd-health'

/** A dead or unknown member makes the first join fail, or worse, takes the quorum with it (wksctl#284, kubernetes#81071, kubeadm#1846). */
export const etcdHealth: Check = {
  id,
  title: 'etcd is healthy and has no unknown members, learners or alarms',
  async check(run) {
    const etcd = await run.etcd()
    const topology = await run.etcdTopology()
    const names = new Set<string>(topology.homes().map((node) => node.name))
    const found = etcd.members.map((member) => ({
      member,
      problem: topology.expects(member) ? problemOf(member, etcd) : strange(member),
    }))
    return [...found.flatMap((one) => inWords(one, names)), ...ofAlarms(etcd)]
  },
}

function inWords(
  { member, problem }: { member: EtcdMember; problem: Problem | undefined },
  names: ReadonlySet<string>,
): Finding[] {
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

const removal = ({ id: member }: EtcdMember): string =>
  `If that member is gone for good: etcdctl member remove ${member} (docs/runbook.md#etcd says how to call etcdctl)`
const neverStarted = 'etcd has a member that never started'

const strange = (member: EtcdMember): Problem => ({
  message: member.name === '' ? neverStarted : `etcd has a member that the file does not name: ${member.name}`,
  seen: '',
  remedy: removal(member),
})

function problemOf(member: EtcdMember, etcd: EtcdFacts): Problem | undefined {
  if (member.name === '') return { message: neverStarted, seen: '', remedy: removal(member) }
  if (member.learner) return { message: 'etcd has a learner: a join did not finish', seen: '', remedy: removal(member) }
  const status = member.status
  if (status === undefined)
    return {
      message: 'an etcd member does not answer',
      seen: '; no answer',
      remedy:
        'On its machine: journalctl -u kubelet (-u etcd where no kubelet runs it), and the log of the etcd container under /var/log/pods',
    }
  if (status.learner)
    return {
      message: 'a member reports that it is a learner, but the member list says voter (etcd#18347)',
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
      seen: `; its cluster ${status.clusterId}, this cluster ${etcd.clusterId}`,
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
      ? 'Free space: etcdctl defrag, then etcdctl alarm disarm (docs/runbook.md#etcd)'
      : 'Read docs/runbook.md#etcd before you change its data',
  }))
}
