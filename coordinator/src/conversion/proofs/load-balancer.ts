import { asQuorateError } from '@quorate/shared/errors'
import type { UntilOptions } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { Frontend } from '../context/load-balancer.js'
import type { Proof } from '../context/proof.js'
import type { ConversionRun } from '../context/run.js'
import { serves } from '../load-balancers/load-balancer-nodes.js'
import { meetBackends } from '../load-balancers/meet-backends.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'load-balancer'
const leadsNot = 'the load balancer does not forward to every control plane'
const servesNot = 'its load balancer does not serve: it cannot take over if the holder of the address fails'

/** Each node is asked by its own address: the virtual IP reaches only its holder. */
export const loadBalancer: Proof = {
  id,
  title: 'The load balancer forwards to every control plane, and each of its nodes serves',
  foreseen: [{ asks: 'every control plane behind it', checks: ['load-balancer', 'hairpin'] }],
  async prove(run, signal) {
    const frontends = run.loadBalancer.frontends()
    const bySomebodyElse = () => meetBackends(run, run.controlPlanes, { seconds: 10, signal })
    const seen =
      frontends.length === 0
        ? [await attempt(run, bySomebodyElse, { message: leadsNot })]
        : await Promise.all(frontends.map((frontend) => ofFrontend(run, frontend, signal)))
    const { besides } = run.loadBalancer
    if (besides !== undefined) seen.push(await attempt(run, () => besides(signal), { message: leadsNot }))
    return resultOf(seen.flat())
  },
}

async function ofFrontend(run: ConversionRun, frontend: Frontend, signal: AbortSignal): Promise<readonly Seen[]> {
  const { node, address: at, leadsOnlyTo } = frontend
  const options: UntilOptions = { deadlineMs: 5_000, everyMs: 200, signal }
  const serving = await attempt(run, async () => [await serves(run, frontend, options)], { message: servesNot, node })
  if (serving.some((one) => 'severity' in one)) return serving
  const wanted = leadsOnlyTo === undefined ? run.controlPlanes : [leadsOnlyTo]
  const meet = () => meetBackends(run, wanted, { seconds: 5, signal, at, from: node })
  return [...serving, ...(await attempt(run, meet, { message: leadsNot, node }))]
}

async function attempt(
  run: ConversionRun,
  look: () => Promise<readonly Evidence[]>,
  { message, node }: { readonly message: string; readonly node?: NodeEntry },
): Promise<readonly Seen[]> {
  try {
    return await look()
  } catch (thrown) {
    const error = asQuorateError(thrown)
    const where = error.where ?? node?.name
    const remedy = `On the machines of the load balancer: ${run.loadBalancer.inspect}; \`quorate plan\` shows what Quorate would write.`
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
