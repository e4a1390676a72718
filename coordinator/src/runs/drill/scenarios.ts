import { Part } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../../conversion/context/run.js'
import { memberOf } from '../../conversion/etcd/members.js'
import { readEtcd, readNodeFacts } from '../../conversion/facts/read-facts.js'
import { hasAddress } from '../../conversion/proofs/virtual-ip.js'

/** One kind of fault that a drill injects. */
export interface Scenario {
  /** The step's id, and what `--only` takes. */
  readonly id: string
  /** What is taken down, in words. */
  readonly title: string
  readonly part: Part
  /** Nodes where it is taken down now; none: this cluster has no such part. */
  targets(run: ConversionRun): Promise<readonly NodeEntry[]>
  /** The cluster is down meanwhile, so it runs only on request. */
  readonly isColdStart?: true
}

/** In the order in which they run: from the smallest fault to the largest. */
export const scenarios: readonly Scenario[] = [
  {
    id: 'api-server',
    title: 'the API server of one control plane',
    part: Part.PART_API_SERVER,
    targets: async (run) => [run.first],
  },
  {
    id: 'etcd-leader',
    title: "etcd's leader",
    part: Part.PART_ETCD,
    targets: leaderOfEtcd,
  },
  {
    id: 'load-balancer',
    title: 'the load balancer that holds the virtual IP',
    part: Part.PART_LOAD_BALANCER,
    targets: holderOfAddress,
  },
  {
    id: 'control-plane',
    title: "a whole control plane: the one that holds the virtual IP, else the one with etcd's leader, else the first",
    part: Part.PART_CONTROL_PLANE,
    async targets(run) {
      const chosen = [...(await holderOfAddress(run)), ...(await leaderOfEtcd(run)), run.first]
      return chosen.slice(0, 1)
    },
  },
  {
    id: 'cold-start',
    title: 'all control planes at once',
    part: Part.PART_CONTROL_PLANE,
    targets: async (run) => run.controlPlanes,
    isColdStart: true,
  },
]

async function leaderOfEtcd(run: ConversionRun): Promise<readonly NodeEntry[]> {
  const { members } = await readEtcd(run)
  const leader = members.find(({ id, status }) => status?.leaderId === id)
  const homes = (await run.etcdTopology()).homes()
  return leader === undefined ? [] : homes.filter((node) => memberOf([leader], node) !== undefined)
}

async function holderOfAddress(run: ConversionRun): Promise<readonly NodeEntry[]> {
  const virtualIP = run.loadBalancer.movingAddress()
  const nodes = virtualIP === undefined ? [] : run.loadBalancer.frontends().map(({ node }) => node)
  const facts = await Promise.all(nodes.map((node) => readNodeFacts(run, node)))
  return nodes.filter((_, index) => hasAddress(facts[index], virtualIP ?? ''))
}
