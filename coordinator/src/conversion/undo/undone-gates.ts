import { notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { DoneAction, Evidence } from '../../engine/step.js'
import { kubeletWorks } from '../clients/kubelet-works.js'
import type { ConversionRun } from '../context/run.js'
import { kubeconfigsOf, nodeOf } from '../endpoint/servers.js'
import { patience } from '../facts/patience.js'
import { clusterNow, readNodeFacts } from '../facts/read-facts.js'

/** With its old kubeconfig restored, a kubelet reports through the server that it names, before anything that it used is removed. */
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

/** A removed node: neither etcd nor the cluster has it, and the remaining members answer. */
export function leftCluster(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<readonly Evidence[]> {
  return until(
    `${node.name} to be gone from the cluster`,
    async () => {
      const topology = await run.etcdTopology()
      const [etcd, { nodes }] = await Promise.all([topology.hasLeft(node, signal), clusterNow(run)])
      const remains = nodes.some(({ name }) => name === node.name)
      return etcd.holds && remains ? notYet(`Node ${node.name} still exists`) : etcd
    },
    patience(signal, 60),
  )
}
