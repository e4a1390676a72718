import { Part } from '@quorate/shared/gen/quorate/v1/node_agent'
import { kubeVipManifestPath, kubeVipName } from '@quorate/shared/kube-vip-manifest'
import type { ServiceUnit } from '../../host/commands.js'
import type { Host } from '../../host/host.js'
import { readFolders } from '../../host/node-folders.js'
import { placeOn } from '../load-balancer/render-files.js'

/** The units and containers of a part of a control plane. */
interface PartOfNode {
  readonly units: readonly ServiceUnit[]
  /** Units that need not run here: the load balancer may be the operator's own. */
  readonly ifRunning: readonly ServiceUnit[]
  /** Containers of static pods. */
  readonly containers: readonly string[]
  /** Like `containers`, for static pods that a control plane need not have: its etcd may be external. */
  readonly containersIfHere?: readonly string[]
}

/**
 * A static pod stays down because the kubelet is stopped, which would restart it within a second; its manifest stays in place. So a drill
 * changes no file, what it stops is enabled, and after a power cut the node boots into its normal state.
 */
const parts = (balancer: readonly ServiceUnit[]): Readonly<Partial<Record<Part, PartOfNode>>> => ({
  [Part.PART_API_SERVER]: { units: ['kubelet'], ifRunning: [], containers: ['kube-apiserver'] },
  // With the API server, which cannot answer without it: a kubelet that starts while its own API server hangs waits for it twice, a minute
  // each, before it starts a static pod (seen on 1.37.2); after a refused connection it continues at once.
  [Part.PART_ETCD]: { units: ['kubelet'], ifRunning: [], containers: ['etcd', 'kube-apiserver'] },
  [Part.PART_LOAD_BALANCER]: { units: balancer, ifRunning: [], containers: [] },
  [Part.PART_CONTROL_PLANE]: {
    units: ['kubelet'],
    ifRunning: balancer,
    containers: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'],
    containersIfHere: ['etcd', kubeVipName],
  },
})

const nothing: PartOfNode = { units: [], ifRunning: [], containers: [] }

/** Where kube-vip holds the address it is the load balancer. */
const kubeVip: PartOfNode = { units: ['kubelet'], ifRunning: [], containers: [kubeVipName] }

export async function partOfNode(host: Host, part: Part): Promise<PartOfNode> {
  const hasKubeVip = part === Part.PART_LOAD_BALANCER && (await host.identity(kubeVipManifestPath)) !== undefined
  if (hasKubeVip) return kubeVip
  const places = await Promise.all([placeOn(host, 'haproxy'), placeOn(host, 'keepalived')])
  return parts(places.map(({ unit }) => unit))[part] ?? nothing
}

/**
 * The grace period of a container. Killed at once, as in a fault, unless the node has handed over; but kube-vip, like keepalived, must remove the address from the interface
 * of a machine that keeps running: otherwise two machines would hold it.
 */
export const graceSeconds = (container: string, handedOver: boolean): number =>
  handedOver || container === kubeVipName ? 5 : 0

/** Containers of a part that this node must have: those of its own static pods. */
export async function containersOf(part: Part, host: Host): Promise<readonly string[]> {
  const { containers, containersIfHere = [] } = await partOfNode(host, part)
  const { manifests: folder } = await readFolders(host)
  const manifests = await Promise.all(containersIfHere.map((name) => host.identity(`${folder}/${name}.yaml`)))
  return [...containers, ...containersIfHere.filter((_, index) => manifests[index] !== undefined)]
}

/** The single timer on a node that restarts what a drill stopped; systemd-run gives its service the same name. */
export const putBackUnit = 'quorate-put-back'
export const putBackTimer = `${putBackUnit}.timer`
