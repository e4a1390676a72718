import { QuorateError } from '@quorate/shared/errors'
import {
  type ProbeEndpointRequest,
  type ProbeEndpointResponse,
  VerifyMode,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import { isDnsName, isIpAddress } from '@quorate/shared/names'
import type { Host } from '../host/host.js'
import { readOperation } from './context/operation.js'
import { clusterCa } from './network/cluster-ca.js'

/** The permitted paths: public on every cluster that does not forbid it (system:public-info-viewer). */
const askable = ['', '/readyz', '/livez', '/version']

/** TCP, TLS and a GET without credentials: an endpoint as this node sees it. A failure is a result, not an error. */
export const probeEndpoint = readOperation<ProbeEndpointRequest, ProbeEndpointResponse>(
  async (request, tools, signal) => {
    const { host, port, path, serverName } = request
    if (!askable.includes(path)) throw new QuorateError('NOT_IN_TABLE', `${JSON.stringify(path)} is not asked for`)
    for (const name of [host, serverName].filter((text) => text !== '')) {
      if (isDnsName(name) || isIpAddress(name)) continue
      throw new QuorateError('INVALID_REQUEST', `not a name or an address: ${JSON.stringify(name)}`)
    }
    if (host === '' || port < 1 || port > 65535) throw new QuorateError('INVALID_REQUEST', 'no host and port to probe')
    const ca = await caFor(request, tools.host)
    return seenOnAll(request.connections ?? 1, () => tools.network.probe(request, ca, signal))
  },
)

const atOnce = 8

/** Each connection is balanced separately: finding all backends takes many. */
async function seenOnAll(
  connections: number,
  probe: () => Promise<ProbeEndpointResponse>,
): Promise<ProbeEndpointResponse> {
  const answers: ProbeEndpointResponse[] = []
  for (let left = Math.max(1, connections); left > 0; left -= atOnce)
    answers.push(...(await Promise.all(Array.from({ length: Math.min(left, atOnce) }, probe))))
  const chosen = answers.find(({ error }) => error === '') ?? answers.at(-1)
  const met = answers.map(({ certificateSha256 }) => certificateSha256).filter((sha256) => sha256 !== '')
  const unmet = answers.length - met.length
  return { ...(chosen as ProbeEndpointResponse), metSha256: [...new Set(met)], unmet }
}

/** The CA of the request, else this node's own; needed only to verify the chain. */
async function caFor({ verify, caPem }: ProbeEndpointRequest, host: Host): Promise<string> {
  if (caPem !== '') return caPem
  if (verify !== VerifyMode.VERIFY_MODE_CLUSTER_CA && verify !== VerifyMode.VERIFY_MODE_CHAIN_ONLY) return ''
  const ca = await clusterCa(host)
  if (ca !== undefined) return ca
  throw new QuorateError('INVALID_REQUEST', 'this node has no cluster CA, and none came with the request')
}
