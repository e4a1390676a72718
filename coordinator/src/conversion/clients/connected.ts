import { isIP } from 'node:net'
import type { SocketFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { ConversionRun } from '../context/run.js'
import { endpointAddresses, endpointServer, type Peer, serverPeer } from '../endpoint/servers.js'
import { patience } from '../facts/patience.js'
import { socketsOf } from '../facts/read-facts.js'
import { apiServerPort } from '../facts/static-pod-flags.js'

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

/** API servers that a node may still be connected to although it should use `wanted`. */
async function otherPeers(run: ConversionRun, wanted: readonly Peer[]): Promise<readonly Peer[]> {
  // All control planes of a cluster have the same port; where the first does not answer, kubeadm's default is almost certain.
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
 * Whether a process of a node is connected to `server` and to no other API server, for a proof, which has one answer. A kubelet also probes the
 * API server of its own node, with a new connection each time, to an address that may be the one that it must not use as a client. Such a
 * connection is gone within a second or so; that of a client stays. So a bad result is read again, for at most two seconds.
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
