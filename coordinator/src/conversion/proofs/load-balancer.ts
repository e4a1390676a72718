import { asQuorateError } from '@quorate/shared/errors'
import type { UntilOptions } from '@quorate/shared/until'
import type { Evidence } from '../../engine/step.js'
import { loadBalancerNodesServe } from '../load-balancer-nodes.js'
import { meetBackends } from '../load-balancers/meet-backends.js'
import { notProved, resultOf, type Seen } from './not-proved.js'
import type { Proof } from './proof.js'

const id = 'load-balancer'

export const loadBalancer: Proof = {
  id,
  title: 'The load balancer leads to every control plane, and each of its nodes serves',
  async prove(run, signal) {
    const options: UntilOptions = { deadlineMs: 5_000, everyMs: 200, signal }
    const seen = await Promise.all([
      attempt(meetBackends(run, run.controlPlanes, { seconds: 10, signal }), 'it does not lead to every control plane'),
      attempt(
        loadBalancerNodesServe(run, options),
        'not every node of it serves: if the one that holds the address dies, nobody takes over',
      ),
    ])
    return resultOf(seen.flat())
  },
}

async function attempt(evidence: Promise<readonly Evidence[]>, message: string): Promise<readonly Seen[]> {
  try {
    return await evidence
  } catch (thrown) {
    const error = asQuorateError(thrown)
    const remedy =
      'On the nodes of the load balancer: systemctl status haproxy keepalived; `quorate plan` shows what Quorate would write.'
    return [
      notProved(id, {
        ...(error.where === undefined ? {} : { node: error.where }),
        message,
        evidence: error.message,
        remedy,
      }),
    ]
  }
}
