import { holds, type Look, notYet } from '@quorate/shared/until'
import type { Evidence } from '../engine/step.js'
import { clusterNow } from './fresh.js'
import { connectedTo } from './gates.js'
import type { ConversionRun } from './run.js'
import { endpointServer } from './wanted.js'

/**
 * Whether every pod of kube-proxy is newer than the last restart of its DaemonSet and connected to `server` (the endpoint). Ready says nothing
 * here: a kube-proxy that is cut off stays Ready with the rules that it had.
 */
export async function kubeProxyRolledOut(
  run: ConversionRun,
  signal: AbortSignal,
  server = endpointServer(run),
): Promise<Look<readonly Evidence[]>> {
  const { kubeProxyRollout: rollout, pods, nodes: known } = await clusterNow(run)
  if (rollout === undefined) return holds([{ what: 'DaemonSet kube-proxy', saw: 'not installed' }])
  const { generation, observedGeneration, desired, updated, available } = rollout
  const seen = `${updated} of ${desired} updated, ${available} available`
  if (observedGeneration < generation || updated < desired || available < desired) return notYet(seen)
  // A pod whose Node was deleted is nobody's: it lists for another minute, until the garbage collector's second look.
  const proxies = pods.filter((pod) => pod.app === 'kube-proxy' && known.some(({ name }) => name === pod.node))
  const restartedAt = rollout.restartedAt === '' ? 0 : Date.parse(rollout.restartedAt)
  const old = proxies.filter((pod) => pod.startedUnixMs < restartedAt)
  if (old.length > 0) return notYet(`${seen}; older than the change: ${old.map((pod) => pod.name).join(', ')}`)
  const nodes = run.nodes.filter((node) => proxies.some((pod) => pod.node === node.name))
  const connected = await Promise.all(
    nodes.map((node) => connectedTo(run, node, { process: 'kube-proxy', server, signal })),
  )
  const evidence: Evidence[] = [
    { what: 'DaemonSet kube-proxy', saw: `${seen}, each pod newer than ${rollout.restartedAt || 'its first start'}` },
  ]
  for (const look of connected) {
    if (!look.holds) return look
    evidence.push(look.value)
  }
  return holds(evidence)
}
