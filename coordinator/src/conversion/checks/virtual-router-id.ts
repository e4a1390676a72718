import { withFacts } from '../with-facts.js'
import type { Check, Finding } from './check.js'

const id = 'virtual-router-id'

/** Two groups of one id in one network take each other's advertisements for their own: two holders of an address, or none (keepalived#2370). */
export const virtualRouterId: Check = {
  id,
  title: 'No other keepalived on these nodes has the same virtual router id',
  async check(run) {
    const { virtualRouterId: ours } = run.file.loadBalancer
    if (!run.loadBalancer.units.includes('keepalived')) return []
    const nodes = await withFacts(run, run.nodes)
    return nodes.flatMap(({ name, facts: { foreignLoadBalancerConfigs: configs } }) =>
      Object.entries(configs)
        .filter(([path, text]) => path.endsWith('keepalived.conf') && idsOf(text).includes(ours))
        .map(
          ([path]): Finding => ({
            id,
            severity: 'error',
            node: name,
            message: `keepalived of somebody else uses the virtual router id ${ours} already`,
            evidence: `${path}: virtual_router_id ${ours}`,
            remedy:
              'Set another loadBalancer.virtualRouterId (1 to 255) in the cluster file; tcpdump -ni any proto 112 shows which are in use',
          }),
        ),
    )
  },
}

const idsOf = (text: string): number[] =>
  [...text.matchAll(/^\s*virtual_router_id\s+(\d+)/gm)].map(([, number]) => Number(number))
