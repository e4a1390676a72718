import { VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { LoadBalancer } from '../context/load-balancer.js'
import type { ConversionRun } from '../context/run.js'
import { probeFrom, problemOf, readyStatuses } from '../endpoint/probe.js'
import { endpointAddresses } from '../endpoint/servers.js'
import { meetBackends } from './meet-backends.js'

const id = 'load-balancer'

/** A load balancer that the operator runs: verified from every node, never changed. */
export function external(run: ConversionRun): LoadBalancer {
  const { virtualIP } = run.file.loadBalancer
  return {
    name: 'external',
    runBy: 'operator',
    programs: [],
    inspect: 'see the status page of the load balancer',
    frontends: () => [],
    address: () => virtualIP,
    movingAddress: () => undefined,
    hostsAddress: () => (run.file.policy.manageHosts ? virtualIP : undefined),
    sans: () => (virtualIP === undefined ? [] : [virtualIP]),
    async check() {
      const statuses = await readyStatuses(run)
      return (await Promise.all(run.nodes.map((node) => answersFrom(run, node, statuses)))).flat()
    },
    plan: async () => [],
    async apply() {
      // plan has no action: Quorate starts nothing here
    },
    async setBackends({ backends }, call) {
      const pool = backends.map((node) => `${node.name} (${node.address})`).join(', ')
      call.progress(
        `set exactly these backends on the load balancer at ${run.endpoint.host} now: ${pool}; \`quorate backends -f FILE --watch\` shows which answer`,
      )
    },
    // The operator may have to add the backend by hand: minutes, not seconds.
    proveBackends: (backends, signal) => meetBackends(run, backends, { seconds: 300, signal }),
    async undo() {
      // nothing was changed
    },
  }
}

async function answersFrom(run: ConversionRun, node: NodeEntry, statuses: readonly number[]): Promise<Finding[]> {
  const about = { id, severity: 'error', node: node.name } as const
  const { host, port } = run.endpoint
  const remedy = `Forward TCP from ${host}:${port} to ${run.first.address} on the load balancer, and allow ${node.name} to reach it. Quorate does not manage it.`
  const addresses = await endpointAddresses(run, node)
  const [address] = addresses
  if (address === undefined) {
    return [
      {
        ...about,
        message: `${host} does not resolve on ${node.name}`,
        evidence: 'no address',
        remedy: `Publish ${host} in DNS with the address of the load balancer.`,
      },
    ]
  }
  const answer = await probeFrom(run, node, {
    host: address,
    port,
    verify: VerifyMode.VERIFY_MODE_CHAIN_ONLY,
    serverName: host,
  })
  const problem = problemOf(answer, statuses)
  if (problem === undefined) return []
  return [
    {
      ...about,
      message: 'the load balancer does not answer as the API server',
      evidence: `${address}:${port}: ${problem}`,
      remedy,
    },
  ]
}
