import type { Check } from './check.js'

const id = 'planned-outage'

/** What cannot be avoided is asked for by its length. If it is accepted, the availability budget allows it too. */
export const plannedOutage: Check = {
  id,
  title: 'The API stays available, or its outage is accepted',
  async check(run) {
    if ((await run.clusterFacts()).kubernetesVersion === '') return []
    const planned = await Promise.all(
      run.order
        .filter(({ outage }) => outage !== undefined)
        .map(async ({ id: step, outage: why, plan }) => {
          const seconds = (await plan(run)).reduce((sum, one) => sum + (one.outageSeconds ?? 0), 0)
          return { id: step, why, seconds }
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
