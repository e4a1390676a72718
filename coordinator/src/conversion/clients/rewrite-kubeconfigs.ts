import { unifiedDiff } from '@quorate/shared/diff'
import type { KubeconfigFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { pointKubeconfigAt } from '@quorate/shared/kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Action, Diff } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { Target } from '../context/endpoint-policy.js'
import type { ConversionRun } from '../context/run.js'
import { endpointServer, isLocalServer, kubeconfigsOf, localServer } from '../endpoint/servers.js'

/** One kubeconfig and the server that it must name. */
export interface Rewriting {
  readonly file: KubeconfigFacts
  readonly server: string
}

/** The diff of a kubeconfig, its secrets replaced by their hash. */
export function rewriteDiff(node: NodeEntry, { file, server }: Rewriting): Diff {
  return {
    name: `${node.name}:${file.path}`,
    text: unifiedDiff(file.path, file.redactedText, pointKubeconfigAt(file.redactedText, server, filePlace(file.path))),
  }
}

/** The action that points kubeconfigs of one node at another server. */
export function rewriteAction(
  id: string,
  node: NodeEntry,
  { rewritings, followedBy = '' }: { rewritings: readonly Rewriting[]; followedBy?: string },
): Action {
  const does = rewritings.map(({ file, server }) => `point ${file.path} at ${server}`).join(', ')
  return { id, node: node.name, does: does + followedBy, diffs: rewritings.map((one) => rewriteDiff(node, one)) }
}

/** Rewrites one kubeconfig, if it has not changed since it was read. */
export async function rewrite(
  run: ConversionRun,
  node: NodeEntry,
  options: Rewriting & { call: ChangeCall },
): Promise<void> {
  const { file, server, call } = options
  const request = {
    purpose: file.purpose,
    path: file.purpose === 'user' ? file.path : '',
    server,
    expectedSha256: file.sha256,
  }
  const label = file.purpose === 'user' ? `rewrite-${file.path}` : `rewrite-${file.purpose}`
  await run.agent(node).change('rewriteKubeconfig', request, call, label)
}

/** The kubeconfigs of a control plane that the endpoint policy decides about. */
export type Steered = 'kubelet' | 'controller-manager' | 'scheduler'

async function targetOf(run: ConversionRun, component: Steered): Promise<Target> {
  const policy = await run.endpointPolicy()
  return { kubelet: policy.kubelet, 'controller-manager': policy.controllerManager, scheduler: policy.scheduler }[
    component
  ]
}

/** The server that the policy wants a component of a control plane to use. */
export async function policyServer(run: ConversionRun, node: NodeEntry, component: Steered): Promise<string> {
  const target = await targetOf(run, component)
  return target === 'local' ? localServer(node, await run.nodeFacts(node)) : endpointServer(run)
}

/**
 * The server that a component of a control plane must be pointed at; undefined when it already uses the server of the policy, or has no kubeconfig.
 * kubeadm's choice differs by release and by how the cluster was made, so this applies to the first control plane and to each that joined.
 * A local server is left unchanged, whichever of its names it has.
 */
export async function againstPolicy(
  run: ConversionRun,
  node: NodeEntry,
  component: Steered,
): Promise<Rewriting | undefined> {
  const [facts, target, server] = await Promise.all([
    run.nodeFacts(node),
    targetOf(run, component),
    policyServer(run, node, component),
  ])
  const [file] = kubeconfigsOf(facts, [component])
  if (file === undefined) return undefined
  const fits = target === 'local' ? isLocalServer(file.server, node, facts) : file.server === server
  return fits ? undefined : { file, server }
}
