import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import {
  type ProbeEndpointRequest,
  type ProbeEndpointResponse,
  VerifyMode,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import { holds, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'
import { clusterCa } from './servers.js'

export type Probe = Pick<ProbeEndpointRequest, 'host' | 'port'> &
  Partial<ProbeEndpointRequest> & { readonly signal?: AbortSignal }

/** One look at an endpoint from a node: TLS against the cluster's CA and GET /readyz by default. */
export async function probeFrom(
  run: ConversionRun,
  from: NodeEntry,
  { signal, ...probe }: Probe,
): Promise<ProbeEndpointResponse> {
  const request = {
    path: '/readyz',
    serverName: '',
    verify: VerifyMode.VERIFY_MODE_CLUSTER_CA,
    timeoutMs: 3_000,
    caPem: await clusterCa(run),
    ...probe,
  }
  return run.agent(from).read('probeEndpoint', request, signal === undefined ? {} : { signal })
}

/** Why an answer is not good, in words; undefined when it is. */
export function problemOf(answer: ProbeEndpointResponse, accepted: readonly number[]): string | undefined {
  if (answer.error !== '')
    return `${answer.error} (got as far as ${answer.reached}${answer.address === '' ? '' : ` at ${answer.address}`})`
  return accepted.includes(answer.httpStatus) ? undefined : `HTTP ${answer.httpStatus}`
}

/** Why a probe of a held port did not come through. A handshake that never ends after TCP has is the mark of packets that are too large for the path. */
export function pathProblem({ error, reached }: ProbeEndpointResponse): string {
  const hangs = reached === 'tls' && error.startsWith('no answer within')
  return hangs
    ? `${error}: TCP connects, but a certificate of 12 KiB does not arrive; check the MTU along the path`
    : error
}

/** HTTP states of GET /readyz that mean a ready API server: where anonymous requests are off it refuses them, which only it can do. */
export async function readyStatuses(run: ConversionRun): Promise<readonly number[]> {
  return (await run.clusterFacts()).anonymousReadyz ? [200] : [200, 401, 403]
}

/** sha256 of the certificate that a control plane's own API server shows, asked from that node itself. */
export async function certificateOf(
  run: ConversionRun,
  node: NodeEntry,
  options: { port: number; signal?: AbortSignal },
): Promise<string> {
  const ask = { host: node.address, verify: VerifyMode.VERIFY_MODE_CHAIN_ONLY, ...options }
  const look = async () => {
    const { certificateSha256, error } = await probeFrom(run, node, ask)
    return certificateSha256 === '' ? notYet(error) : holds(certificateSha256)
  }
  const { signal } = options
  // One probe that comes too late on a busy machine is no reason to fail a gate.
  const patience = { deadlineMs: 5_000, everyMs: 500, ...(signal === undefined ? {} : { signal }) }
  return until('a certificate', look, patience).catch((thrown: unknown) => {
    const { code, message } = asQuorateError(thrown)
    if (code !== 'GATE_TIMEOUT') throw thrown
    throw new QuorateError('GATE_TIMEOUT', `the API server of ${node.name} presents no certificate: ${message}`, {
      where: node.name,
    })
  })
}
