import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import type { Proof } from '../context/proof.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'etcd'
const remedy = 'Read docs/runbook.md#etcd before you change its members.'

export const etcd: Proof = {
  id,
  title: 'etcd has one voter for each control plane, and every member reports itself healthy',
  foreseen: [{ asks: 'healthy voters', checks: ['etcd-health', 'already-highly-available'] }],
  async prove(run) {
    const [seen, topology, { nodes }] = await Promise.all([run.etcd(), run.etcdTopology(), run.clusterFacts()])
    const { members, alarms, clusterId } = seen
    const isControlPlane = ({ name }: EtcdMember) => nodes.some((node) => node.name === name && node.controlPlane)
    const missing = (message: string, evidence: string): Seen => notProved(id, { message, evidence, remedy })
    const each = members.map((member): Seen => {
      const name = member.name || member.peerUrls.join(', ')
      if (member.learner) return missing(`member ${name} is a learner: it has no vote`, member.id)
      if (member.status === undefined)
        return missing(`member ${name} does not answer`, member.clientUrls.join(', ') || 'never started')
      if (member.status.clusterId !== clusterId)
        return missing(`member ${name} reports another cluster`, `${member.status.clusterId}, not ${clusterId}`)
      if (!topology.expects(member) && isControlPlane(member)) return unnamed(member.name)
      if (!topology.expects(member))
        return missing(`member ${name} is on no control plane of the cluster file`, member.peerUrls.join(', '))
      if (member.status.errors.length > 0)
        return missing(`member ${name} reports errors`, member.status.errors.join(', '))
      return {
        what: `etcd member ${name}`,
        saw: `votes, ${member.status.version}, answers in ${member.status.latencyMs} ms`,
      }
    })
    return resultOf([
      ...each,
      ...topology.lacking(seen).map((shortcoming) => notProved(id, shortcoming)),
      ...(alarms.length === 0 ? [] : [missing('etcd has raised an alarm', alarms.join(', '))]),
    ])
  },
}

/** It works like the others, but Quorate does not manage it: the load balancer may not forward to it, and its certificate is not checked. */
const unnamed = (name: string): Finding => ({
  ...{ id, severity: 'warning', node: name, evidence: 'Node and etcd member' },
  message: 'it is a control plane, but the cluster file does not name it',
  remedy:
    'Name it in controlPlanes of the cluster file, and a fifth with it; or remove it: kubeadm reset on it, then kubectl delete node.',
})
