import type { LeaseFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../run.js'
import { notProved, resultOf, type Seen } from './not-proved.js'
import type { Proof } from './proof.js'

const id = 'leases'
const names = ['kube-controller-manager', 'kube-scheduler']
/** --leader-elect-lease-duration: after this the others may take it, and must have. Twice, for slow nodes. */
const longestMs = 30_000

/** Both are held, by somebody who renews them: else nothing is scheduled, and no Node is ever found dead. */
export const leases: Proof = {
  id,
  title: 'Controller-manager and scheduler are led by somebody who renews the Lease',
  async prove(run) {
    const { leases: all } = await run.clusterFacts()
    const seen = names.map((name) =>
      judge(
        run,
        name,
        all.find((one) => one.namespace === 'kube-system' && one.name === name),
      ),
    )
    return resultOf(await Promise.all(seen))
  },
}

async function judge(run: ConversionRun, name: string, lease: LeaseFacts | undefined): Promise<Seen> {
  const missing = (message: string, evidence: string): Seen =>
    notProved(id, {
      message,
      evidence,
      remedy: `On the control planes: crictl ps -a --name ${name}; crictl logs of it.`,
    })
  if (lease === undefined) return missing(`nobody leads ${name}`, `no Lease kube-system/${name}`)
  const holder = await holderOf(run, lease)
  const evidence = `held by ${lease.holder || 'nobody'}, renewed ${new Date(lease.renewedUnixMs).toISOString()}`
  const clock = holder === undefined ? Date.now() : (await run.nodeFacts(holder)).clockUnixMs
  if (clock - lease.renewedUnixMs > longestMs)
    return missing(`nobody leads ${name}: its Lease is not renewed any more`, evidence)
  return { what: `Lease kube-system/${name}`, saw: evidence }
}

/** A holder calls itself HOSTNAME_UUID (client-go's resourcelock), whatever its Node is called; its Lease is dated by the clock of that very machine. */
async function holderOf(run: ConversionRun, { holder }: LeaseFacts): Promise<NodeEntry | undefined> {
  const named = await Promise.all(
    run.controlPlanes.map(async (node) => ({ node, facts: await run.nodeFacts(node).catch(() => undefined) })),
  )
  return named.find(({ node, facts }) =>
    [node.name, facts?.hostname ?? ''].some((name) => name !== '' && holder.startsWith(`${name}_`)),
  )?.node
}
