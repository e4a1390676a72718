import { holds, notYet, type UntilOptions, until } from '@quorate/shared/until'
import type { Evidence } from '../../engine/step.js'
import type { Frontend } from '../context/load-balancer.js'
import type { ConversionRun } from '../context/run.js'
import { probeFrom, problemOf, readyStatuses } from '../endpoint/probe.js'

/** Probes each machine of our load balancer by its own address, not the virtual IP: any of them must be able to take over. */
export async function loadBalancerNodesServe(run: ConversionRun, options: UntilOptions): Promise<readonly Evidence[]> {
  return Promise.all(run.loadBalancer.frontends().map((frontend) => serves(run, frontend, options)))
}

/** One machine of it, by its own address. */
export async function serves(
  run: ConversionRun,
  { node, address }: Frontend,
  options: UntilOptions,
): Promise<Evidence> {
  const { host, port } = run.endpoint
  const statuses = await readyStatuses(run)
  const signal = options.signal === undefined ? {} : { signal: options.signal }
  return until(
    `the load balancer of ${node.name} to serve`,
    async () => {
      const answer = await probeFrom(run, node, {
        host: address,
        port,
        serverName: host,
        timeoutMs: 2_000,
        ...signal,
      })
      const problem = problemOf(answer, statuses)
      return problem === undefined
        ? holds({
            what: `load balancer of ${node.name} at ${address}:${port}`,
            saw: `/readyz ${answer.httpStatus}`,
          })
        : notYet(problem)
    },
    options,
  )
}
