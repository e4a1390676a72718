import { notProved, resultOf, type Seen } from './not-proved.js'
import type { Proof } from './proof.js'

const id = 'etcd'

export const etcd: Proof = {
  id,
  title: 'etcd has all the voters that it should have, all healthy by their own word',
  async prove(run) {
    const seen = await run.etcd()
    const topology = await run.etcdTopology()
    const { members, alarms, clusterId } = seen
    const remedy = 'See docs/runbook.md#etcd before doing anything to its members.'
    const missing = (message: string, evidence: string): Seen => notProved(id, { message, evidence, remedy })
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
      if (!topology.expects(run, member))
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
      ...topology.lacking(run, seen).map((shortcoming) => notProved(id, shortcoming)),
      ...(alarms.length === 0 ? [] : [missing('etcd has raised an alarm', alarms.join(', '))]),
    ])
  },
}
