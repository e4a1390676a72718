import { holds, notYet, type UntilOptions, until } from '@quorate/shared/until'
import type { NodeEntry } from '../config/cluster-file.js'
import type { Evidence } from '../engine/step.js'
import { probeFrom, problemOf, readyStatuses } from './probe.js'
import type { ConversionRun } from './run.js'

/** Each node of a load balancer of ours by its own address, not the virtual IP: any of them must be able to take over. */
export async function loadBalancerNodesServe(run: ConversionRun, options: UntilOptions): Promise<readonly Evidence[]> {
  return Promise.all(run.loadBalancer.nodes(run).map((node) => serves(run, node, options)))
}

/** One node of it, by its own address. */
export async function serves(run: ConversionRun, node: NodeEntry, options: UntilOptions): Promise<Evidence> {
  const { host, port } = run.endpoint
  const statuses = await readyStatuses(run)
  const signal = options.signal === undefined ? {} : { signal: options.signal }
  return until(
    `the load balancer of ${node.name} to serve`,
    async () => {
      const answer = await probeFrom(run, node, {
        host: node.address,
        port,
        serverName: host,
        timeoutMs: 2_000,
        ...signal,
      })
      const problem = problemOf(answer, statuses)
      return problem === undefined
        ? holds({
            what: `load balancer of ${node.name} at ${node.address}:${port}`,
            saw: `/readyz ${answer.httpStatus}`,
          })
        : notYet(problem)
    },
    options,
  )
}
