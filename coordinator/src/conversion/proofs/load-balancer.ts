import { asQuorateError } from '@quorate/shared/errors'
import type { UntilOptions } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import { serves } from '../load-balancer-nodes.js'
import { meetBackends } from '../load-balancers/meet-backends.js'
import type { ConversionRun } from '../run.js'
import { notProved, resultOf, type Seen } from './not-proved.js'
import type { Proof } from './proof.js'

const id = 'load-balancer'
const leadsNot = 'the load balancer does not lead to every control plane'

/** Each node of ours is asked by its own address: through the virtual IP only the one that holds it would be met. */
export const loadBalancer: Proof = {
  id,
  title: 'The load balancer leads to every control plane, and each of its nodes serves',
  async prove(run, signal) {
    const nodes = run.loadBalancer.nodes(run)
    const byOperator = () => meetBackends(run, run.controlPlanes, { seconds: 10, signal })
    const seen =
      nodes.length === 0
        ? [await attempt(byOperator, leadsNot)]
        : await Promise.all(nodes.map((node) => ofNode(run, node, signal)))
    return resultOf(seen.flat())
  },
}

async function ofNode(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<readonly Seen[]> {
  const options: UntilOptions = { deadlineMs: 5_000, everyMs: 200, signal }
  const cannotTakeOver = 'its load balancer does not serve: it cannot take over if the one that holds the address dies'
  const serving = await attempt(async () => [await serves(run, node, options)], cannotTakeOver, node)
  if (serving.some((one) => 'severity' in one)) return serving
  const meeting = { seconds: 5, signal, at: node.address, from: node }
  return [...serving, ...(await attempt(() => meetBackends(run, run.controlPlanes, meeting), leadsNot, node))]
}

async function attempt(
  look: () => Promise<readonly Evidence[]>,
  message: string,
  node?: NodeEntry,
): Promise<readonly Seen[]> {
  try {
    return await look()
  } catch (thrown) {
    const error = asQuorateError(thrown)
    const where = error.where ?? node?.name
    const remedy =
      'On the nodes of the load balancer: systemctl status haproxy keepalived; `quorate plan` shows what Quorate would write.'
    return [
      notProved(id, {
        ...(where === undefined ? {} : { node: where }),
        message,
        evidence: error.message,
        remedy,
      }),
    ]
  }
}
