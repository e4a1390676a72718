import { notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { DoneAction, Evidence } from '../../engine/step.js'
import { kubeletWorks } from '../clients/kubelet-works.js'
import type { ConversionRun } from '../context/run.js'
import { kubeconfigsOf, nodeOf } from '../endpoint/servers.js'
import { patience } from '../facts/patience.js'
import { clusterNow, readNodeFacts } from '../facts/read-facts.js'

/** After its old kubeconfig was put back a kubelet reports through the server that it names, before anything that it left is taken away. */
export async function kubeletBack(
  run: ConversionRun,
  { action, results }: DoneAction,
  signal: AbortSignal,
): Promise<readonly Evidence[]> {
  if (results.length === 0) return []
  const node = nodeOf(run, action.node)
  const [file] = kubeconfigsOf(await readNodeFacts(run, node, signal), ['kubelet'])
  return file === undefined ? [] : kubeletWorks(run, node, { server: file.server, signal })
}

/** A node that was taken out: neither etcd nor the cluster knows it, and the members that stay answer. */
export function leftCluster(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<readonly Evidence[]> {
  return until(
    `the cluster to be without ${node.name}`,
    async () => {
      const topology = await run.etcdTopology()
      const [etcd, { nodes }] = await Promise.all([topology.hasLeft(node, signal), clusterNow(run)])
      const remains = nodes.some(({ name }) => name === node.name)
      return etcd.holds && remains ? notYet(`Node ${node.name} still exists`) : etcd
    },
    patience(signal, 60),
  )
}
