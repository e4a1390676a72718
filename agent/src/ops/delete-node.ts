import { QuorateError } from '@quorate/shared/errors'
import type { DeleteNodeRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { parseNodeName } from '@quorate/shared/names'
import { readNodeName } from './cluster/control-plane.js'
import { apiPath, type Node } from './cluster/kube-objects.js'
import { changeOperation, doneIf } from './operation.js'
import { changed, unchanged } from './result.js'

/** Deletes the Node object of a node that was reset; never the one of this control plane, which would take its own kubelet out. */
export const deleteNode = changeOperation<DeleteNodeRequest>(
  async (request, { tools, signal }) => {
    const name = parseNodeName(request.name)
    if (name === (await readNodeName(tools.host))) throw new QuorateError('NOT_IN_TABLE', `${name} is this very node`)
    const kube = await tools.kube()
    if ((await kube.get<Node>(apiPath.node(name), signal)) === undefined) return unchanged(`there is no Node ${name}`)
    await kube.remove(apiPath.node(name), signal)
    return changed({ summary: `deleted Node ${name}` })
  },
  {
    evidence: async ({ name }, { tools, signal }) =>
      doneIf((await (await tools.kube()).get<Node>(apiPath.node(parseNodeName(name)), signal)) === undefined),
  },
)
