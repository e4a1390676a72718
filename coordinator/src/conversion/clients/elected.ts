import { rfc3339 } from '@quorate/shared/clock'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { RecordedFinding } from '../../engine/recorded-finding.js'
import type { Evidence } from '../../engine/step.js'
import { acceptedOfComponent, wasSoBefore } from '../context/accepted.js'
import type { ConversionRun } from '../context/run.js'
import { patience } from '../facts/patience.js'
import { clusterNow, runningContainers } from '../facts/read-facts.js'

/** Controller-manager or scheduler, as container, Lease and process are called. */
export interface Elected {
  readonly container: string
  readonly lease: string
  readonly process: string
}
export const elected = {
  'controller-manager': {
    container: 'kube-controller-manager',
    lease: 'kube-controller-manager',
    process: 'kube-controller',
  },
  scheduler: { container: 'kube-scheduler', lease: 'kube-scheduler', process: 'kube-scheduler' },
} as const satisfies Record<string, Elected>

/** Waits until a restarted component runs in a new container and its Lease advances. */
export async function componentRestarted(
  run: ConversionRun,
  node: NodeEntry,
  { component, before, signal }: { component: keyof typeof elected; before: string | undefined; signal: AbortSignal },
): Promise<readonly Evidence[]> {
  const { container, lease } = elected[component]
  const accepted = acceptedDown(run, container)
  if (accepted !== undefined) return [wasSoBefore(accepted)]
  const id = await until(
    `a new container of ${container} on ${node.name}`,
    async () => {
      const [running] = await runningContainers(run, node, container, signal)
      if (running === undefined) return notYet(`no running container ${container}`)
      return running.id === before ? notYet(`still container ${running.id}`) : holds(running.id)
    },
    patience(signal),
  )
  const restarted = { what: `container of ${container} on ${node.name}`, saw: `${before ?? 'unknown'} -> ${id}` }
  return [restarted, await leads(run, lease, signal)]
}

/** Where a component did not run, or had no leader, before the run: it reads its new file when it is repaired. */
export const acceptedDown = (run: ConversionRun, component: string): RecordedFinding | undefined =>
  acceptedOfComponent(run, 'static-pods-run', `no container of ${component}`) ??
  acceptedOfComponent(run, 'leases', `${component} has no leader`)

/** Waits until a component has a leader, no matter which: without these two no rollout finishes, and no join token is signed. */
export async function leads(run: ConversionRun, lease: string, signal: AbortSignal): Promise<Evidence> {
  const accepted = acceptedOfComponent(run, 'leases', lease) ?? acceptedDown(run, lease)
  if (accepted !== undefined) return wasSoBefore(accepted)
  const saw = await until(`the Lease ${lease} to advance`, leaseAdvances(run, lease), patience(signal))
  return { what: `Lease kube-system/${lease} renewed`, saw }
}

/** Two renewals seen one after the other, no matter by which holder. */
function leaseAdvances(run: ConversionRun, name: string): () => Promise<Look<string>> {
  let first: number | undefined
  return async () => {
    const lease = (await clusterNow(run)).leases.find((one) => one.namespace === 'kube-system' && one.name === name)
    if (lease === undefined) return notYet(`no Lease kube-system/${name}`)
    first ??= lease.renewedUnixMs
    const seen = `${rfc3339(lease.renewedUnixMs)} by ${lease.holder}`
    return lease.renewedUnixMs > first ? holds(seen) : notYet(`renewed ${seen}`)
  }
}
