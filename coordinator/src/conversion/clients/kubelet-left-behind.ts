import type { NodeEntry } from '../../config/cluster-file.js'
import type { Action } from '../../engine/step.js'
import type { ConversionRun } from '../context/run.js'
import { kubeconfigsOf } from '../endpoint/servers.js'
import { staysConnectedTo } from './connected.js'
import { type Rewriting, rewriteAction } from './rewrite-kubeconfigs.js'

/**
 * What a kubelet's step does on its node: rewrite its files and restart it; or only restart it, where the files are correct and it still uses
 * another server: it reads them only when it starts, so they have changed since.
 */
export async function kubeletAction(
  run: ConversionRun,
  node: NodeEntry,
  rewritings: readonly Rewriting[],
): Promise<readonly Action[]> {
  if (rewritings.length > 0)
    return [rewriteAction(node.name, node, { rewritings, followedBy: ', restart the kubelet' })]
  const [file] = kubeconfigsOf(await run.nodeFacts(node), ['kubelet'])
  if (file === undefined || !run.mayBeBehind(node.name)) return []
  const { signal } = new AbortController()
  const look = await staysConnectedTo(run, node, { process: 'kubelet', server: file.server, signal })
  if (look.holds) return []
  const does = `restart the kubelet, which does not use ${file.server} of ${file.path} yet`
  return [{ id: node.name, node: node.name, does, diffs: [] }]
}
