import { rfc3339 } from '@quorate/shared/clock'
import { QuorateError } from '@quorate/shared/errors'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import { acceptedFinding, wasSoBefore } from '../context/accepted.js'
import type { ConversionRun } from '../context/run.js'
import { kubeconfigsOf } from '../endpoint/servers.js'
import { patience } from '../facts/patience.js'
import { clusterNow, readNodeFacts } from '../facts/read-facts.js'
import { unitOf } from '../facts/unit-of.js'
import { connectedTo } from './connected.js'

/** The message for kubelets that renew nothing: --node-monitor-grace-period is 40 s, 50 s since 1.32. */
export const kubeletSilent = 'the node is not Ready: its kubelet does not report'

/** Waits until a restarted kubelet reports through `server` and its Node is Ready: the gate of a wave of workers. */
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

/** All that can be verified for a kubelet that did not report before the run either: it reads the correct file when it is repaired. */
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
 * Waits until a restarted kubelet reports through `server`: its Lease was renewed after the restart, its connections go there.
 * Its own /healthz stays ok without an API server (kubernetes/kubernetes#96891) and proves nothing. Its Node is not read either: a kubelet
 * that registers before it has queried the container runtime reports NotReady, and Ready ten seconds later.
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
        return notYet(`Lease last renewed ${rfc3339(object.leaseRenewedUnixMs)}, restarted ${rfc3339(restartedAt)}`)
      return holds([
        {
          what: `Lease of ${node.name} renewed after the restart of ${rfc3339(restartedAt)}`,
          saw: rfc3339(object.leaseRenewedUnixMs),
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
  if (unit?.activeState !== 'active') return notYet(`kubelet.service is ${unit?.activeState ?? 'not found'}`)
  return holds(unit.activeSinceUnixMs)
}
