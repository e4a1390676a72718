import type { LeaseFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'

const names = ['kube-controller-manager', 'kube-scheduler']
/** --leader-elect-lease-duration: after this the others may take it, and must have. Twice, for slow nodes. */
const longestMs = 30_000

export interface JudgedLease {
  readonly lease: string
  /** Who holds it and since when, in words. */
  readonly evidence: string
  /** Undefined if it is renewed. */
  readonly problem: { readonly message: string; readonly evidence: string } | undefined
}

/** If controller-manager and scheduler have a leader that renews the Lease. */
export async function judgeLeases(run: ConversionRun): Promise<readonly JudgedLease[]> {
  const { leases } = await run.clusterFacts()
  const find = (name: string) => leases.find((one) => one.namespace === 'kube-system' && one.name === name)
  return Promise.all(names.map((name) => judge(run, name, find(name))))
}

async function judge(run: ConversionRun, name: string, lease: LeaseFacts | undefined): Promise<JudgedLease> {
  const missing = (message: string, evidence: string) => ({ lease: name, evidence, problem: { message, evidence } })
  if (lease === undefined) return missing(`${name} has no leader`, `no Lease kube-system/${name}`)
  const holder = await holderOf(run, lease)
  const evidence = `holder ${lease.holder || '(none)'}, renewed ${new Date(lease.renewedUnixMs).toISOString()}`
  const clock = holder === undefined ? Date.now() : (await run.nodeFacts(holder)).clockUnixMs
  if (clock - lease.renewedUnixMs > longestMs)
    return missing(`${name} has no leader: its Lease is no longer renewed`, evidence)
  return { lease: name, evidence, problem: undefined }
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
