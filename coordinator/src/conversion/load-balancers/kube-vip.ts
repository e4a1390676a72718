import { unifiedDiff } from '@quorate/shared/diff'
import { asQuorateError } from '@quorate/shared/errors'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import {
  kubeVipConfPath,
  kubeVipLease,
  kubeVipManifestPath,
  kubeVipName,
  renderKubeVip,
} from '@quorate/shared/kube-vip-manifest'
import type { ClusterFile, NodeEntry } from '../../config/cluster-file.js'
import type { Action } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { LoadBalancer } from '../context/load-balancer.js'
import type { ConversionRun } from '../context/run.js'
import { localPeer, nodeOf } from '../endpoint/servers.js'
import { isJoined } from '../facts/membership.js'
import { checkKubeVip } from './kube-vip-check.js'
import { kubeVipRuns, proveTakeOver } from './prove-take-over.js'

/** From the latest releases of the most widely used release line. */
const defaultImage = 'ghcr.io/kube-vip/kube-vip:v0.8.9'

const virtualIP = ({ loadBalancer }: ClusterFile): string => loadBalancer.virtualIP ?? ''
const imageOf = ({ loadBalancer }: ClusterFile): string => loadBalancer.image ?? defaultImage

/**
 * kube-vip as a static pod on each control plane: the holder of its Lease has the virtual IP, which routes to that node's own API server. It does
 * not balance, and it is not in the path between a client and an API server. A joiner gets it after its join: until then it has no API server
 * for the Lease, and old kubeadm requires an empty manifest folder.
 */
export function kubeVip(run: ConversionRun): LoadBalancer {
  const { file } = run
  const address = virtualIP(file)
  return {
    name: 'kube-vip',
    runBy: 'quorate',
    programs: [],
    containers: [kubeVipName],
    oneAtATime: true,
    inspect: `crictl ps -a --name ${kubeVipName}, then crictl logs ID`,
    images: () => [imageOf(file)],
    frontends: () =>
      run.controlPlanes.map((node) => ({ node, address: node.address, clients: run.nodes, leadsOnlyTo: node })),
    address: () => address,
    movingAddress: () => address,
    isRouted: () => file.loadBalancer.bgp !== undefined,
    hostsAddress: () => (file.policy.manageHosts ? address : undefined),
    sans: () => [address],
    check: () => checkKubeVip(run, imageOf(file)),
    async plan() {
      const joined = await Promise.all(run.joining.map(async (node) => ((await isJoined(run, node)) ? [node] : [])))
      const actions = await Promise.all([run.first, ...joined.flat()].map((node) => planOn(run, node)))
      return actions.flat()
    },
    apply: ({ node }, call) => applyOn(run, nodeOf(run, node), { call, label: 'start' }),
    async setBackends({ backends, leaving }, call) {
      await Promise.all(backends.map((node) => applyOn(run, node, { call, label: 'start' })))
      if (leaving === undefined) return
      // The leaving node may be broken. Without its API server it cannot hold the address either.
      await run
        .agent(leaving)
        .change('removeKubeVip', {}, call, 'leave')
        .catch((error: unknown) => call.progress(`${leaving.name}: ${asQuorateError(error).message}`))
    },
    proveBackends: (backends, signal) => proveTakeOver(run, backends, signal),
    async undo(done, call) {
      await run.agent(done.action.node).change('removeKubeVip', {}, call, 'stop')
    },
  }
}

interface Applying {
  readonly call: ChangeCall
  readonly label: string
}

async function applyOn({ agent, file }: ConversionRun, node: NodeEntry, { call, label }: Applying): Promise<void> {
  const request = { virtualIp: virtualIP(file), ownAddress: node.address, image: imageOf(file), bgp: bgpOf(file, node) }
  await agent(node).change('applyKubeVip', request, call, label)
}

/** A router ID is a unique address. */
function bgpOf({ loadBalancer: { bgp } }: ClusterFile, { address }: NodeEntry) {
  return bgp === undefined
    ? undefined
    : { as: bgp.as, routerId: address, peers: bgp.peers.map((peer) => ({ ...peer })) }
}

async function planOn(run: ConversionRun, node: NodeEntry): Promise<readonly Action[]> {
  const facts = await run.nodeFacts(node)
  const text = rendered(run.file, node, facts)
  const present = facts.loadBalancerConfigs[kubeVipManifestPath] ?? ''
  if (present === text && isCertified(facts) && (await kubeVipRuns(run, node)) && (await holdsLease(run))) return []
  const how = run.file.loadBalancer.bgp === undefined ? 'by ARP' : 'by BGP'
  return [
    {
      id: node.name,
      node: node.name,
      does: `run kube-vip for ${virtualIP(run.file)}, announced ${how}, with its own API server as backend`,
      diffs: [{ name: `${node.name}:${kubeVipManifestPath}`, text: unifiedDiff(kubeVipManifestPath, present, text) }],
    },
  ]
}

/** Its kubeconfig exists and its certificate is valid for another month: what the agent requires. */
function isCertified({ certificates, clockUnixMs }: NodeFacts): boolean {
  const own = certificates.find(({ path }) => path === kubeVipConfPath)
  return own !== undefined && own.notAfterUnixMs - clockUnixMs > 30 * 86_400_000
}

/** Without its permissions kube-vip renews no Lease. */
async function holdsLease(run: ConversionRun): Promise<boolean> {
  const [{ leases }, { clockUnixMs }] = await Promise.all([run.clusterFacts(), run.nodeFacts(run.first)])
  const lease = leases.find(({ namespace, name }) => namespace === 'kube-system' && name === kubeVipLease)
  return lease !== undefined && clockUnixMs - lease.renewedUnixMs < 60_000
}

/** The same as the agent renders; without an interface of that address the check has already failed. */
function rendered(file: ClusterFile, node: NodeEntry, facts: NodeFacts): string {
  const held = facts.interfaces.find(({ addresses }) => addresses.some((one) => one.startsWith(`${node.address}/`)))
  const bgp = bgpOf(file, node)
  return renderKubeVip({
    virtualIp: virtualIP(file),
    image: imageOf(file),
    apiServer: localPeer(node, facts),
    interfaceName: held?.name ?? 'unknown',
    ...(bgp === undefined ? {} : { bgp }),
  })
}
