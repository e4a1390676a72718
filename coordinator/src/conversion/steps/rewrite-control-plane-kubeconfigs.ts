import { asQuorateError } from '@quorate/shared/errors'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Action } from '../../engine/step.js'
import { acceptedDown, componentRestarted, elected } from '../clients/elected.js'
import { againstPolicy, rewrite, rewriteAction } from '../clients/rewrite-kubeconfigs.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { nodeOf } from '../endpoint/servers.js'
import { rewritable } from '../facts/membership.js'
import { runningContainers } from '../facts/read-facts.js'
import { endpointProofs } from '../proofs/endpoint-proofs.js'
import { kubeconfigs } from '../proofs/kubeconfigs.js'
import { oldAddress } from '../proofs/old-address.js'
import { putBack } from '../undo/put-back.js'

type Component = keyof typeof elected
const components = Object.keys(elected) as Component[]

const componentOf = (action: Action): Component => components.find((one) => action.id.endsWith(one)) ?? 'scheduler'

export const rewriteControlPlaneKubeconfigs = defineStep({
  id: 'rewrite-control-plane-kubeconfigs',
  title: 'Point controller-manager and scheduler at the server that the policy sets',
  documented: 'Update other components',
  gate: 'Each has a new container ID, and its Lease advances.',
  undo: 'The old files are restored and the components restarted.',
  width: 2,
  seconds: 8,
  reliesOn: endpointProofs,
  fixes: [kubeconfigs, oldAddress],
  foreseen: [
    { asks: 'a new container', checks: ['static-pods-run'] },
    { asks: 'Leases that advance', checks: ['leases'], stays: ['leases'] },
  ],
  async plan(run) {
    const nodes = await rewritable(run)
    const planned = await Promise.all(
      nodes.flatMap((node) => components.map((component) => planComponent(run, node, component))),
    )
    return planned.flat()
  },
  async apply(run, action, call) {
    const node = nodeOf(run, action.node)
    const component = componentOf(action)
    const rewriting = await againstPolicy(run, node, component)
    const { container } = elected[component]
    const [before] = await runningContainers(run, node, container, call.signal)
    if (rewriting !== undefined) await rewrite(run, node, { ...rewriting, call })
    // Also where the file is already correct: an earlier attempt may have died before the restart.
    await run
      .agent(node)
      .change('restartStaticPod', { component: container }, call, 'restart')
      .catch((error: unknown) => {
        if (asQuorateError(error).code !== 'GATE_TIMEOUT' || acceptedDown(run, container) === undefined) throw error
        call.progress(`${container} is not running, as before: it reads its new kubeconfig when it starts`)
      })
    return { before: before?.id }
  },
  verify: (run, action, signal, { before }) =>
    componentRestarted(run, nodeOf(run, action.node), {
      component: componentOf(action),
      before,
      signal,
    }),
  async rollback(run, done, call) {
    if (done.results.length === 0) return
    await putBack(run, done, call)
    await run
      .agent(done.action.node)
      .change('restartStaticPod', { component: elected[componentOf(done.action)].container }, call, 'restart-again')
  },
})

async function planComponent(run: ConversionRun, node: NodeEntry, component: Component): Promise<readonly Action[]> {
  const rewriting = await againstPolicy(run, node, component)
  if (rewriting === undefined) return []
  return [
    rewriteAction(node === run.first ? component : `${node.name}:${component}`, node, {
      rewritings: [rewriting],
      followedBy: `, restart the container ${elected[component].container}`,
    }),
  ]
}
