import type { Finding } from '../checks/check.js'
import { memberOf } from '../control-plane-ready.js'
import { notProved, resultOf, type Seen } from './not-proved.js'
import type { Proof } from './proof.js'

const id = 'etcd'
const remedy = 'See docs/runbook.md#etcd before doing anything to its members.'

export const etcd: Proof = {
  id,
  title: 'etcd has three voters or more, an odd number, all healthy by their own word',
  async prove(run) {
    const [{ members, alarms, clusterId }, { nodes }] = await Promise.all([run.etcd(), run.clusterFacts()])
    const voters = members.filter((member) => !member.learner)
    const missing = (message: string, evidence: string, node?: string): Seen =>
      notProved(id, { ...(node === undefined ? {} : { node }), message, evidence, remedy })
    const each = members.map((member): Seen => {
      const name = member.name || member.peerUrls.join(', ')
      if (member.learner) return missing(`member ${name} is a learner: it has no vote`, member.id)
      if (member.status === undefined)
        return missing(`member ${name} does not answer`, member.clientUrls.join(', ') || 'never started')
      if (member.status.clusterId !== clusterId)
        return missing(
          `member ${name} believes to be in another cluster`,
          `${member.status.clusterId}, not ${clusterId}`,
        )
      const isNamed = run.controlPlanes.some((node) => memberOf([member], node) !== undefined)
      if (!isNamed && nodes.some((node) => node.name === member.name && node.controlPlane)) return unnamed(member.name)
      if (!isNamed)
        return missing(`member ${name} is on no control plane of the cluster file`, member.peerUrls.join(', '))
      if (member.status.errors.length > 0)
        return missing(`member ${name} reports errors`, member.status.errors.join(', '))
      return {
        what: `etcd member ${name}`,
        saw: `votes, ${member.status.version}, answers in ${member.status.latencyMs} ms`,
      }
    })
    const without = run.controlPlanes.filter((node) => memberOf(members, node) === undefined)
    return resultOf([
      ...each,
      ...without.map((node) =>
        missing('etcd has no member on this control plane', members.map(({ name }) => name).join(', '), node.name),
      ),
      ...ofNumber(voters.map(({ name }) => name)),
      ...(alarms.length === 0 ? [] : [missing('etcd has raised an alarm', alarms.join(', '))]),
    ])
  },
}

/** It works as the others do, and Quorate does not look after it: its load balancer may not lead there, its certificate is not looked at. */
const unnamed = (name: string): Finding => ({
  ...{ id, severity: 'warning', node: name, evidence: 'Node and etcd member' },
  message: 'it is a control plane of the cluster that the cluster file does not name',
  remedy:
    'Name it in controlPlanes of the cluster file, and a fifth with it; or take it out: kubeadm reset on it, kubectl delete node.',
})

/** Four lose their quorum with the second that dies, just as three: one more machine that can die, and nothing won. */
function ofNumber(voters: readonly string[]): readonly Finding[] {
  if (voters.length >= 3 && voters.length % 2 === 1) return []
  const message = `etcd has ${voters.length} voters: it takes three or more, an odd number`
  return [{ id, severity: voters.length < 3 ? 'error' : 'warning', message, evidence: voters.join(', '), remedy }]
}
