import type { Test } from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { everything } from './simulated-cluster.js'

type Everything = Awaited<ReturnType<typeof everything>>

/** What the agents keep for themselves, and what a kubelet renews by itself, is nothing that a conversion leaves behind. */
const touchable = (files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).filter(([path]) => !/:(\/var\/lib\/quorate-agent|\/run)\//.test(path)))

/** Rolled pods have new names; what a controller counts or signs by itself is no content. */
const kept =
  /^\/(configmaps|secrets|nodes)\/|^rbac\.authorization\.k8s\.io\/|^apps\/daemonsets\/|^coordination\.k8s\.io\/leases\//

function contents(objects: Record<string, unknown>): Record<string, unknown> {
  const found = Object.entries(objects).filter(([key]) => kept.test(key))
  return Object.fromEntries(
    found.map(([key, object]) => {
      const { metadata: _, status: __, ...content } = object as { metadata: unknown; status?: unknown }
      return [key, content]
    }),
  )
}

/** Every file of every node, byte for byte and with its mode, and the content of every object that a run could change. */
export async function asBefore(t: Test, cluster: SimulatedCluster, before: Everything): Promise<void> {
  const after = await everything(cluster)
  t.same(touchable(after.files), touchable(before.files), 'every file of every node, byte for byte, with its mode')
  t.same(
    contents(after.objects),
    contents(before.objects),
    'every ConfigMap, Secret, Node, Role, RoleBinding and DaemonSet, and no Lease of the watch or of kube-vip',
  )
}
