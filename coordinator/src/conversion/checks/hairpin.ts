import { VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { ConversionRun } from '../context/run.js'
import { hairpinFinding, hairpinOf } from '../endpoint/hairpin.js'
import { probeFrom, problemOf, readyStatuses } from '../endpoint/probe.js'
import { existingNodes } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'hairpin'

/**
 * Before a joiner is a backend it cannot be led to itself, and a listener that let a health check take it for an API server would be given users'
 * requests. But the first control plane is the only backend of a load balancer that runs already: each of its connections is one to itself. Our
 * own haproxy does not run yet, and connects by its own address; the proof of the same name sees it from every control plane afterwards.
 */
export const hairpin: Check = {
  id,
  title: 'A control plane reaches itself through the load balancer',
  async check(run) {
    if (run.loadBalancer.runBy === 'quorate') return []
    const nodes = (await existingNodes(run)).filter((node) => run.controlPlanes.includes(node))
    const seen = await Promise.all(
      nodes.map(async (node) => ({ node, hairpin: await hairpinOf(run, node, { backends: nodes.length }) })),
    )
    const failed = seen.filter((one) => one.hairpin.problems.length > 0)
    // A load balancer that does not answer is the finding of `load-balancer`.
    if (failed.length === 0 || !(await answersOthers(run))) return []
    return Promise.all(failed.map(async (one) => ({ id, ...(await hairpinFinding(run, one.node, one.hairpin)) })))
  },
}

/** Whether any other node is answered: then the return path fails. */
async function answersOthers(run: ConversionRun): Promise<boolean> {
  const statuses = await readyStatuses(run)
  const { host, port } = run.endpoint
  const answers = await Promise.all(
    run.nodes
      .filter((node) => node !== run.first)
      .map((node) => probeFrom(run, node, { host, port, serverName: host, verify: VerifyMode.VERIFY_MODE_CHAIN_ONLY })),
  )
  return answers.some((answer) => problemOf(answer, statuses) === undefined)
}
