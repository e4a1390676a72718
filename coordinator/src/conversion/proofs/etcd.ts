import { memberOf } from '../control-plane-ready.js'
import { notProved, resultOf, type Seen } from './not-proved.js'
import type { Proof } from './proof.js'

const id = 'etcd'

export const etcd: Proof = {
  id,
  title: 'etcd has three voters or more, an odd number, all healthy by their own word',
  async prove(run) {
    const { members, alarms, clusterId } = await run.etcd()
    const voters = members.filter((member) => !member.learner)
    const remedy = 'See docs/runbook.md#etcd before doing anything to its members.'
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
      if (!run.controlPlanes.some((node) => memberOf([member], node) !== undefined))
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
      ...(voters.length >= 3 && voters.length % 2 === 1
        ? []
        : [
            missing(
              `etcd has ${voters.length} voters: it takes three or more, an odd number`,
              voters.map(({ name }) => name).join(', '),
            ),
          ]),
      ...(alarms.length === 0 ? [] : [missing('etcd has raised an alarm', alarms.join(', '))]),
    ])
  },
}
