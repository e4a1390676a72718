import type { Check } from './check.js'

/** What the chosen kind of load balancer needs (packages, foreign configurations, reachability) is its own file's to say. */
export const loadBalancer: Check = {
  id: 'load-balancer',
  title: 'What the load balancer needs is there',
  check: (run) => run.loadBalancer.check(run),
}
