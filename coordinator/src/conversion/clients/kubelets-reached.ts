import { QuorateError } from '@quorate/shared/errors'
import type { ServingRequest } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { ConversionRun } from '../context/run.js'
import { isJoined } from '../facts/membership.js'
import { patience } from '../facts/patience.js'
import { clusterNow } from '../facts/read-facts.js'

/** A kubelet that one API server does not reach. */
export interface Unreached {
  readonly from: NodeEntry
  readonly node: string
  readonly error: string
}

/** Probes the kubelets of these Nodes through the API server of one control plane. */
export async function unreachedFrom(
  run: ConversionRun,
  from: NodeEntry,
  nodes: readonly { readonly name: string }[],
  signal?: AbortSignal,
): Promise<readonly Unreached[]> {
  const request = { nodes: nodes.map(({ name }) => name) }
  const { answers } = await run.agent(from).read('probeKubelets', request, signal === undefined ? {} : { signal })
  return answers
    .filter(({ httpStatus }) => httpStatus !== 200)
    .map(({ node, httpStatus, error }) => ({ from, node, error: error || `HTTP ${httpStatus}` }))
}

/** The command to type; a kubelet without a serving certificate aborts every handshake. */
export function remedyFor({ from, node, error }: Unreached, requests: readonly ServingRequest[]): string {
  const request = requests.find((one) => one.node === node)
  if (request !== undefined)
    return `Its kubelet waits for its serving certificate (serverTLSBootstrap). Run: kubectl certificate approve ${request.name}`
  if (/tls: internal error|no serving certificate/.test(error))
    return `Its kubelet has no serving certificate. Find the Pending request: kubectl get csr | grep ${node}. Then approve it: kubectl certificate approve NAME`
  if (/x509|certificate/.test(error))
    return `On ${from.name}: ps -eo args | grep -o 'kubelet-certificate-authority[^ ]*'; the kubelet's certificate must be signed by that CA and valid for the address of its Node.`
  if (/Unauthorized|Forbidden|401|403/.test(error))
    return `kubectl get clusterrolebinding kubeadm:cluster-admins; and on ${node}: grep -A3 authentication /var/lib/kubelet/config.yaml`
  return `Open TCP 10250 from ${from.address} to the address of ${node}; kubectl get node ${node} -o wide shows it.`
}

/**
 * Waits until the API server of every joined control plane, and that of the new one, reaches the new one's kubelet: logs, exec and metrics need it.
 * Where the first control plane's API server does not reach even its own kubelet, something else was wrong before.
 */
export async function untilKubeletReached(
  run: ConversionRun,
  node: NodeEntry,
  signal: AbortSignal,
): Promise<readonly Evidence[]> {
  if ((await unreachedFrom(run, run.first, [run.first], signal).catch(() => ['no answer'])).length > 0) return []
  return until(
    `the kubelet of ${node.name} to be reached from every API server`,
    async () => {
      const joined = await Promise.all(run.controlPlanes.map((one) => one === run.first || isJoined(run, one)))
      const servers = run.controlPlanes.filter((one, index) => joined[index] || one === node)
      const unreached = (await Promise.all(servers.map((from) => unreachedFrom(run, from, [node], signal)))).flat()
      const [first] = unreached
      if (first === undefined)
        return holds([
          { what: `kubelet of ${node.name} through the API servers`, saw: servers.map(({ name }) => name).join(', ') },
        ])
      const { servingRequests } = await clusterNow(run)
      return notYet(
        `the API server of ${first.from.name} reports: ${first.error}. ${remedyFor(first, servingRequests)}`,
      )
    },
    patience(signal, 300),
  ).catch((error: unknown) => {
    signal.throwIfAborted()
    if (!(error instanceof QuorateError)) throw error
    throw new QuorateError('STEP_FAILED', error.message, {
      where: node.name,
      remedy: `Run kubectl get csr, approve the requests of the kubelet of ${node.name} (kubectl certificate approve NAME), then run quorate resume.`,
    })
  })
}
