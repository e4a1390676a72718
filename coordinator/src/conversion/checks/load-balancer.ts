import type { Finding } from '../context/finding.js'
import type { Check } from './check.js'

const id = 'load-balancer'

/** What the chosen kind of load balancer needs (packages, foreign configurations, reachability) is defined in its own file. */
export const loadBalancer: Check = {
  id,
  title: 'The prerequisites of the load balancer are met',
  async check(run) {
    const sentence = run.loadBalancer.forOutside?.()
    const outside: Finding[] =
      sentence === undefined
        ? []
        : [
            {
              id,
              severity: 'info',
              message: sentence,
              evidence: `loadBalancer.kind: ${run.loadBalancer.name}`,
              remedy: 'Nothing to do for the nodes.',
            },
          ]
    return [...outside, ...(await run.loadBalancer.check())]
  },
}
