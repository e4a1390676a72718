import type { Proof } from '../context/proof.js'
import { judgeLeases } from '../facts/leases.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'leases'

/** Both must be held and renewed: otherwise nothing is scheduled, and dead Nodes are not detected. */
export const leases: Proof = {
  id,
  title: 'Controller-manager and scheduler each have a leader that renews the Lease',
  foreseen: [{ asks: 'leaders', checks: ['leases', 'static-pods-run'], stays: ['leases'] }],
  async prove(run) {
    const judged = await judgeLeases(run)
    return resultOf(
      judged.map(({ lease, evidence, problem }): Seen => {
        if (problem === undefined) return { what: `Lease kube-system/${lease}`, saw: evidence }
        const remedy = `On the control planes: crictl ps -a --name ${lease}; crictl logs of it.`
        return notProved(id, { ...problem, remedy })
      }),
    )
  },
}
