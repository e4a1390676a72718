import { QuorateError } from '@quorate/shared/errors'
import type { DeleteNodeRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { parseNodeName } from '@quorate/shared/names'
import { plural } from '@quorate/shared/plural'
import type { KubeApi } from '../host/kube-api.js'
import { readNodeName } from './cluster/control-plane.js'
import { apiPath, type List, type Node, type Pod } from './cluster/kube-objects.js'
import { changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/**
 * Deletes the Node object of a node that was reset, and its pods; never that of this control plane, which would disconnect its own
 * kubelet. The garbage collector would keep pods without a Node for a minute (kubernetes, podgc: a quarantine of 40 s), each as
 * unavailable: a DaemonSet that tolerates one unavailable pod would not roll meanwhile.
 */
export const deleteNode = changeOperation<DeleteNodeRequest>(
  async (request, { tools, signal }) => {
    const name = parseNodeName(request.name)
    if (name === (await readNodeName(tools.host))) throw new QuorateError('NOT_IN_TABLE', `${name} is this very node`)
    const kube = await tools.kube()
    if ((await kube.get<Node>(apiPath.node(name), signal)) === undefined) return unchanged(`there is no Node ${name}`)
    await kube.remove(apiPath.node(name), signal)
    const pods = await removePods(kube, name, signal)
    return changed({ summary: `deleted Node ${name} and ${plural(pods, 'pod')} on it` })
  },
  {
    evidence: async ({ name }, { tools, signal }) =>
      doneIf((await (await tools.kube()).get<Node>(apiPath.node(parseNodeName(name)), signal)) === undefined),
  },
)

/** Without grace: no kubelet is left to report their end. */
async function removePods(kube: KubeApi, node: string, signal: AbortSignal): Promise<number> {
  const pods = (await kube.get<List<Pod>>(apiPath.podsOn(node), signal))?.items ?? []
  for (const pod of pods) await kube.remove(`${apiPath.pod(pod)}?gracePeriodSeconds=0`, signal)
  return pods.length
}
