import { asQuorateError } from '@quorate/shared/errors'
import { holds, notYet, until } from '@quorate/shared/until'
import type { ChangeContext } from '../context/operation.js'
import type { Tools } from '../context/tools.js'
import { readHostname } from '../facts/system.js'
import { apiPath, type Lease } from './kube-objects.js'
import { runningContainers } from './running-containers.js'

/** One instance leads and the others wait; container and Lease have the same name. */
export const electedComponents = ['kube-controller-manager', 'kube-scheduler'] as const
type Component = (typeof electedComponents)[number]

const graceSeconds = 5
/** Waiting instances try every two seconds (client-go, leaderelection, RetryPeriod 2 s with a jitter of 1.2). */
const takenWithinMs = 5_000
/** The kubelet restarts a stopped instance at once, and it may win again; the second restart is delayed by ten seconds. */
const tries = 3

const readLease = async ({ kube }: Tools, component: Component, signal: AbortSignal): Promise<Lease | undefined> =>
  (await kube()).get<Lease>(`${apiPath.systemLeases}/${component}`, signal)

/** A holder's identity is its hostname and a unique suffix: `k8smaster1_5a0c...`. */
const isOf = (hostname: string, lease: Lease | undefined): boolean =>
  (lease?.spec?.holderIdentity ?? '').startsWith(`${hostname}_`)

/** Whether this node's instance leads. */
export async function isLedHere(tools: Tools, component: Component, signal: AbortSignal): Promise<boolean> {
  const [hostname, lease] = await Promise.all([readHostname(tools.host), readLease(tools, component, signal)])
  return isOf(hostname, lease)
}

/**
 * Makes another instance lead; describes the result, undefined if this node's instance did not lead. Neither component can
 * resign: its container is stopped, and its Lease is released as client-go does with ReleaseOnCancel, which they do not set by default.
 */
export async function moveLease(component: Component, context: ChangeContext): Promise<string | undefined> {
  const { tools, signal, progress } = context
  const hostname = await readHostname(tools.host)
  if (!isOf(hostname, await readLease(tools, component, signal))) return undefined
  for (let tried = 1; tried <= tries; tried++) {
    progress(`stopping ${component} here so that another instance leads`)
    await endContainers(tools, component, signal)
    await giveUp(tools, { component, hostname }, signal)
    const holder = await holderElsewhere(tools, { component, hostname }, signal)
    if (holder !== undefined) return `${component} is led by ${holder}`
  }
  return `${component} still leads here: no other instance took its Lease`
}

async function endContainers(tools: Tools, component: Component, signal: AbortSignal): Promise<void> {
  const running = await runningContainers(tools, [component], signal)
  const cri = tools.cri()
  try {
    for (const { id } of running) await cri.stopContainer(id, graceSeconds, signal)
  } finally {
    cri.close()
  }
}

interface Held {
  readonly component: Component
  readonly hostname: string
}

/** Only a Lease that is still held from here, as it was read: an instance that took it meanwhile keeps it. */
async function giveUp(tools: Tools, { component, hostname }: Held, signal: AbortSignal): Promise<void> {
  const lease = await readLease(tools, component, signal)
  if (lease === undefined || !isOf(hostname, lease)) return
  const patch = {
    metadata: { resourceVersion: lease.metadata.resourceVersion },
    spec: { holderIdentity: null, leaseDurationSeconds: 1 },
  }
  await (await tools.kube()).patch(`${apiPath.systemLeases}/${component}`, patch, signal).catch((thrown: unknown) => {
    if (asQuorateError(thrown).code !== 'API_SERVER_REFUSED') throw thrown
  })
}

/** The host that leads now; undefined if it is this one again, or none in time. */
async function holderElsewhere(
  tools: Tools,
  { component, hostname }: Held,
  signal: AbortSignal,
): Promise<string | undefined> {
  const look = async () => {
    const lease = await readLease(tools, component, signal)
    const holder = lease?.spec?.holderIdentity ?? ''
    return holder === ''
      ? notYet('no instance leads')
      : holds(isOf(hostname, lease) ? undefined : holder.replace(/_[^_]*$/, ''))
  }
  return until(`another instance to lead ${component}`, look, {
    deadlineMs: takenWithinMs,
    everyMs: 150,
    signal,
  }).catch(() => undefined)
}
