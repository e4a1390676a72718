import type { NodeEntry } from '../../config/cluster-file.js'
import type { Action } from '../../engine/step.js'
import { kubeletAction } from '../clients/kubelet-left-behind.js'
import { kubeletReports } from '../clients/kubelet-works.js'
import { againstPolicy, policyServer, rewrite } from '../clients/rewrite-kubeconfigs.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { nodeOf } from '../endpoint/servers.js'
import { rewritable } from '../facts/membership.js'
import { endpointProofs } from '../proofs/endpoint-proofs.js'
import { kubeconfigs } from '../proofs/kubeconfigs.js'
import { kubeletSockets } from '../proofs/kubelet-sockets.js'
import { oldAddress } from '../proofs/old-address.js'
import { putBack } from '../undo/put-back.js'
import { kubeletBack } from '../undo/undone-gates.js'

export const rewriteFirstKubelet = defineStep({
  id: 'rewrite-first-kubelet',
  title: "Point existing control planes' kubelets at the API server their version requires",
  documented: 'Update the kubelet',
  gate: 'Its Lease is renewed after the restart, and its sockets connect to that API server.',
  undo: 'The old file is restored and the kubelet restarted.',
  width: 1,
  seconds: 12,
  reliesOn: endpointProofs,
  fixes: [kubeconfigs, kubeletSockets, oldAddress],
  foreseen: [{ asks: 'a kubelet that renews its Lease', checks: ['nodes-ready', 'kubeconfigs'] }],
  async plan(run) {
    const planned = await Promise.all((await rewritable(run)).map((node) => planNode(run, node)))
    return planned.flat()
  },
  async apply(run, action, call) {
    const node = nodeOf(run, action.node)
    const rewriting = await againstPolicy(run, node, 'kubelet')
    if (rewriting !== undefined) await rewrite(run, node, { ...rewriting, call })
    await run.agent(node).change('restartKubelet', {}, call, 'restart')
  },
  async verify(run, action, signal) {
    const node = nodeOf(run, action.node)
    return kubeletReports(run, node, { server: await policyServer(run, node, 'kubelet'), signal })
  },
  async rollback(run, done, call) {
    if (done.results.length === 0) return
    await putBack(run, done, call)
    await run.agent(done.action.node).change('restartKubelet', {}, call, 'restart-again')
  },
  undone: (run, done, signal) => kubeletBack(run, done, signal),
})

async function planNode(run: ConversionRun, node: NodeEntry): Promise<readonly Action[]> {
  const rewriting = await againstPolicy(run, node, 'kubelet')
  return kubeletAction(run, node, rewriting === undefined ? [] : [rewriting])
}
