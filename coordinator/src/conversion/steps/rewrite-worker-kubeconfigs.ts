import { kubeletAction } from '../clients/kubelet-left-behind.js'
import { kubeletWorks } from '../clients/kubelet-works.js'
import { type Rewriting, rewrite } from '../clients/rewrite-kubeconfigs.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { endpointServer, kubeconfigsOf, nodeOf } from '../endpoint/servers.js'
import { endpointProofs } from '../proofs/endpoint-proofs.js'
import { kubeconfigs } from '../proofs/kubeconfigs.js'
import { kubeletSockets } from '../proofs/kubelet-sockets.js'
import { oldAddress } from '../proofs/old-address.js'
import { putBack } from '../undo/put-back.js'
import { kubeletBack } from '../undo/undone-gates.js'

export const rewriteWorkerKubeconfigs = defineStep({
  id: 'rewrite-worker-kubeconfigs',
  title: "Point the workers' kubelets at the endpoint",
  documented: 'Worker nodes',
  gate: 'The Lease is renewed after the restart, the Node is Ready and the sockets connect to the endpoint; a canary first, then waves.',
  undo: 'On each worker, its agent restores the old file and restarts the kubelet.',
  width: (run) => run.file.policy.waves.width,
  seconds: 12,
  reliesOn: endpointProofs,
  fixes: [kubeconfigs, kubeletSockets, oldAddress],
  foreseen: [{ asks: 'a Node that is Ready again', checks: ['nodes-ready'], stays: ['nodes-ready'] }],
  canary: (run) => run.file.policy.waves.canary,
  maxFailed: (run) => run.file.policy.waves.maxFailed,
  async plan(run) {
    const planned = await Promise.all(
      run.workers.map(async (node) => kubeletAction(run, node, await withOtherServer(run, node.name))),
    )
    return planned.flat()
  },
  async apply(run, action, call) {
    const node = nodeOf(run, action.node)
    for (const rewriting of await withOtherServer(run, node.name)) await rewrite(run, node, { ...rewriting, call })
    await run.agent(node).change('restartKubelet', {}, call, 'restart')
  },
  verify: (run, action, signal) => kubeletWorks(run, nodeOf(run, action.node), { server: endpointServer(run), signal }),
  async rollback(run, done, call) {
    if (done.results.length === 0) return
    await putBack(run, done, call)
    await run.agent(done.action.node).change('restartKubelet', {}, call, 'restart-again')
  },
  undone: (run, done, signal) => kubeletBack(run, done, signal),
})

/**
 * The kubelet's kubeconfigs that name another server than the endpoint. Also a bootstrap kubeconfig that still exists: the kubelet falls back to it
 * when its certificate has expired.
 */
async function withOtherServer(run: ConversionRun, node: string): Promise<readonly Rewriting[]> {
  const files = kubeconfigsOf(await run.nodeFacts(node), ['kubelet', 'bootstrap-kubelet'])
  return files
    .filter(({ server }) => server !== endpointServer(run))
    .map((file) => ({ file, server: endpointServer(run) }))
}
