import { isIP } from 'node:net'
import { QuorateError } from '@quorate/shared/errors'
import type { SocketFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, type Look, notYet, type UntilOptions, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { RecordedFinding } from '../../engine/picture.js'
import type { Evidence } from '../../engine/step.js'
import { kubeletSilent } from '../checks/nodes-ready.js'
import { acceptedFinding, acceptedOfComponent, wasSoBefore } from '../context/accepted.js'
import type { ConversionRun } from '../context/run.js'
import { endpointAddresses, endpointServer, kubeconfigsOf, type Peer, serverPeer } from '../endpoint/servers.js'
import { clusterNow, readNodeFacts, runningContainers, socketsOf } from '../facts/read-facts.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { unitOf } from '../facts/unit-of.js'

/** How gates wait: at first they look often, because a gate's pause is the conversion's pause; later less, because looking costs the nodes. */
export const patience = (signal: AbortSignal, seconds = 120): UntilOptions => ({
  deadlineMs: seconds * 1_000,
  everyMs: 150,
  longestMs: 1_000,
  signal,
})

/** The peers that connections to a server go to, as one node sees them. */
export async function peersOf(
  run: ConversionRun,
  from: NodeEntry,
  options: { server: string; signal?: AbortSignal },
): Promise<readonly Peer[]> {
  const peer = serverPeer(options.server)
  if (peer === undefined) return []
  if (options.server !== endpointServer(run)) {
    if (isIP(peer.address) !== 0) return [peer]
    const asked = options.signal === undefined ? {} : { signal: options.signal }
    const { addresses } = await run.agent(from).read('resolveName', { name: peer.address }, asked)
    return addresses.map((address) => ({ address, port: peer.port }))
  }
  return (await endpointAddresses(run, from, options.signal)).map((address) => ({ address, port: peer.port }))
}

/** API servers that a node's connections might still go to although they should go to `wanted`. */
async function otherPeers(run: ConversionRun, wanted: readonly Peer[]): Promise<readonly Peer[]> {
  // The control planes of one cluster have one port; where the first does not answer, it is almost surely kubeadm's.
  const port = await run.nodeFacts(run.first).then(apiServerPort, () => 6443)
  const addresses = run.controlPlanes.map(({ address }) => ({ address, port }))
  return addresses.filter((peer) => !wanted.some((one) => samePeer(one, peer)))
}

const plain = (address: string): string => address.replace(/^::ffff:/, '')
export const samePeer = (a: Peer, b: Peer): boolean => plain(a.address) === plain(b.address) && a.port === b.port
const toPeer = (socket: SocketFacts): Peer => ({ address: socket.peerAddress, port: socket.peerPort })
const asText = (peers: readonly Peer[]): string =>
  [...new Set(peers.map((peer) => `${plain(peer.address)}:${peer.port}`))].join(', ') || 'nothing'

/** Where a process of a node is connected: at least once to `server`, and to no other API server. */
export async function connectedTo(
  run: ConversionRun,
  node: NodeEntry,
  { process, server, signal }: { process: string; server: string; signal?: AbortSignal },
): Promise<Look<Evidence>> {
  const [wanted, sockets] = await Promise.all([
    peersOf(run, node, { server, ...(signal === undefined ? {} : { signal }) }),
    socketsOf(run, node, process, signal),
  ])
  const peers = sockets.map(toPeer)
  const stale = (await otherPeers(run, wanted)).filter((peer) => peers.some((one) => samePeer(one, peer)))
  if (stale.length > 0) return notYet(`${process} on ${node.name} is still connected to ${asText(stale)}`)
  const good = peers.filter((peer) => wanted.some((one) => samePeer(one, peer)))
  if (good.length === 0)
    return notYet(`${process} on ${node.name} is connected to ${asText(peers)}, not to ${asText(wanted)}`)
  return holds({ what: `${process} on ${node.name} is connected to`, saw: asText(good) })
}

/**
 * Whether a process of a node is connected to `server` and no other API server, for a proof, which has one answer. A kubelet also probes the
 * API server of its own node: a connection of its own each time, to an address that may be the very one it shall not work through. Such a
 * connection is gone within a second or so; that of a client stays. So one bad look is looked at again, for at most two seconds.
 */
export async function staysConnectedTo(
  run: ConversionRun,
  node: NodeEntry,
  options: { process: string; server: string; signal: AbortSignal },
): Promise<Look<Evidence>> {
  let last = await connectedTo(run, node, options)
  if (last.holds) return last
  const again = async () => {
    last = await connectedTo(run, node, options)
    return last
  }
  return until(`${options.process} of ${node.name}`, again, { ...patience(options.signal, 2), everyMs: 300 }).then(
    holds,
    () => last,
  )
}

/** Waits until a kubelet that was restarted works through `server` and its Node is Ready: what a wave of workers waits for. */
export async function kubeletWorks(
  run: ConversionRun,
  node: NodeEntry,
  options: { server: string; signal: AbortSignal },
): Promise<readonly Evidence[]> {
  const accepted = acceptedFinding(run, 'nodes-ready', node.name)
  if (accepted?.message === kubeletSilent) return [await kubeconfigNames(run, node, options), wasSoBefore(accepted)]
  const reports = await kubeletReports(run, node, options)
  if (accepted !== undefined) return [...reports, wasSoBefore(accepted)]
  const look = async () => {
    const object = (await clusterNow(run)).nodes.find((one) => one.name === node.name)
    return object?.ready ? holds({ what: `Node ${node.name}`, saw: 'Ready' }) : notYet(`Node ${node.name} is not Ready`)
  }
  return [...reports, await until(`Node ${node.name} to be Ready`, look, patience(options.signal))]
}

/** What is left to see of a kubelet that reported nothing before the run either: it will find the right file when somebody repairs it. */
async function kubeconfigNames(
  run: ConversionRun,
  node: NodeEntry,
  { server, signal }: { server: string; signal: AbortSignal },
): Promise<Evidence> {
  const [file] = kubeconfigsOf(await readNodeFacts(run, node, signal), ['kubelet'])
  if (file?.server !== server)
    throw new QuorateError('STEP_FAILED', `${file?.path ?? 'kubelet.conf'} names ${file?.server ?? 'nothing'}`, {
      where: node.name,
    })
  return { what: `${file.path} of ${node.name}`, saw: `names ${server}` }
}

/**
 * Waits until a kubelet that was restarted reports through `server`: its Lease was renewed after the restart, its connections go there.
 * Its own /healthz stays good without an API server (kubernetes/kubernetes#96891) and proves nothing. Nor is its Node looked at: a kubelet
 * that registers before its first look at the container runtime calls itself NotReady, and says otherwise ten seconds later.
 */
export async function kubeletReports(
  run: ConversionRun,
  node: NodeEntry,
  { server, signal }: { server: string; signal: AbortSignal },
): Promise<readonly Evidence[]> {
  const restartedAt = await until(
    `the kubelet of ${node.name} to run with its new kubeconfig`,
    () => runsWith(run, node, { server, signal }),
    patience(signal),
  )
  return until(
    `the kubelet of ${node.name} to report through ${server}`,
    async () => {
      const [cluster, connected] = await Promise.all([
        clusterNow(run),
        connectedTo(run, node, { process: 'kubelet', server, signal }),
      ])
      if (!connected.holds) return connected
      const object = cluster.nodes.find((one) => one.name === node.name)
      if (object === undefined) return notYet(`no Node ${node.name}`)
      if (object.leaseRenewedUnixMs < restartedAt)
        return notYet(`Lease last renewed ${time(object.leaseRenewedUnixMs)}, restarted ${time(restartedAt)}`)
      return holds([
        {
          what: `Lease of ${node.name} renewed after the restart of ${time(restartedAt)}`,
          saw: time(object.leaseRenewedUnixMs),
        },
        connected.value,
      ])
    },
    patience(signal),
  )
}

async function runsWith(
  run: ConversionRun,
  node: NodeEntry,
  { server, signal }: { server: string; signal: AbortSignal },
): Promise<Look<number>> {
  const facts = await readNodeFacts(run, node, signal)
  const [file] = kubeconfigsOf(facts, ['kubelet'])
  if (file?.server !== server) return notYet(`${file?.path ?? 'kubelet.conf'} names ${file?.server ?? 'nothing'}`)
  const unit = unitOf(facts, 'kubelet')
  if (unit?.activeState !== 'active') return notYet(`kubelet.service is ${unit?.activeState ?? 'not there'}`)
  return holds(unit.activeSinceUnixMs)
}

const time = (unixMs: number): string => new Date(unixMs).toISOString()

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

/** Waits until a restarted component runs in another container than before, and its Lease moves on. */
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

/** Where a component did not run, or nobody led it, before the run: it reads its new file when somebody repairs it. */
export const acceptedDown = (run: ConversionRun, component: string): RecordedFinding | undefined =>
  acceptedOfComponent(run, 'static-pods-run', `no container of ${component}`) ??
  acceptedOfComponent(run, 'leases', `${component} has no leader`)

/** Waits until a component is led, by whom does not matter: without these two no rollout ends, and no join token is signed. */
export async function leads(run: ConversionRun, lease: string, signal: AbortSignal): Promise<Evidence> {
  const accepted = acceptedOfComponent(run, 'leases', lease) ?? acceptedDown(run, lease)
  if (accepted !== undefined) return wasSoBefore(accepted)
  const saw = await until(`the Lease ${lease} to advance`, leaseAdvances(run, lease), patience(signal))
  return { what: `Lease kube-system/${lease} renewed`, saw }
}

/** Two different renewals seen one after the other: by whom does not matter, one of them holds it. */
function leaseAdvances(run: ConversionRun, name: string): () => Promise<Look<string>> {
  let first: number | undefined
  return async () => {
    const lease = (await clusterNow(run)).leases.find((one) => one.namespace === 'kube-system' && one.name === name)
    if (lease === undefined) return notYet(`no Lease kube-system/${name}`)
    first ??= lease.renewedUnixMs
    const seen = `${time(lease.renewedUnixMs)} by ${lease.holder}`
    return lease.renewedUnixMs > first ? holds(seen) : notYet(`renewed ${seen}`)
  }
}
