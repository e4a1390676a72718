import { asQuorateError } from '@quorate/shared/errors'
import type { ProbeKubeletsRequest, ProbeKubeletsResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { apiPath } from './cluster/kube-objects.js'
import { readOperation } from './context/operation.js'

/** Checks the health of each Node's kubelet through this control plane's own API server: with its client certificate, at the Node's address, over TLS. */
export const probeKubelets = readOperation<ProbeKubeletsRequest, ProbeKubeletsResponse>(
  async ({ nodes }, tools, signal) => {
    const kube = await tools.kube()
    const answers = nodes.map(async (node) => {
      try {
        const { status, message } = await kube.answer(`${apiPath.node(node)}/proxy/healthz`, signal)
        return { node, httpStatus: status, error: message }
      } catch (error) {
        signal.throwIfAborted()
        return { node, httpStatus: 0, error: asQuorateError(error).message }
      }
    })
    return { answers: await Promise.all(answers) }
  },
)
