import { joinControlPlanes } from '../steps/join-control-planes.js'
import { letEtcdListen } from '../steps/let-etcd-listen.js'
import type { Check } from './check.js'

const id = 'planned-outage'

/** Why a step takes the API away, of those that may. */
const steps = [
  { step: letEtcdListen, why: 'etcd has one member and restarts' },
  {
    step: joinControlPlanes,
    why: 'the second etcd member votes before it has started, so etcd has no quorum until then',
  },
] as const

/** What cannot be avoided is asked for by its length. If it is accepted, the availability budget allows it too. */
export const plannedOutage: Check = {
  id,
  title: 'The API stays available, or its outage is accepted',
  async check(run) {
    if ((await run.clusterFacts()).kubernetesVersion === '') return []
    const planned = await Promise.all(
      steps.map(async ({ step, why }) => {
        const actions = await step.plan(run)
        return { id: step.id, why, seconds: actions.reduce((sum, one) => sum + (one.outageSeconds ?? 0), 0) }
      }),
    )
    const outages = planned.filter(({ seconds }) => seconds > 0)
    const total = outages.reduce((sum, { seconds }) => sum + seconds, 0)
    if (total === 0) return []
    const { acceptOutageSeconds } = run.file.policy
    const accepted = acceptOutageSeconds >= total
    return [
      {
        id,
        severity: accepted ? 'warning' : 'error',
        message: `the API does not answer for up to ${total} s during this conversion: ${outages.map((one) => `${one.id}: ${one.why} (up to ${one.seconds} s)`).join('; ')}`,
        evidence: `policy.acceptOutageSeconds: ${acceptOutageSeconds}`,
        remedy: accepted
          ? 'Convert in a maintenance window. The availability budget allows this outage on top.'
          : `If this outage is acceptable, set in the cluster file under policy: acceptOutageSeconds: ${total}`,
      },
    ]
  },
}
