import { VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
import { kubeVipLease, kubeVipName } from '@quorate/shared/kube-vip-manifest'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { ConversionRun } from '../context/run.js'
import { certificateOf, probeFrom } from '../endpoint/probe.js'
import { patience } from '../facts/patience.js'
import { clusterNow, runningContainers } from '../facts/read-facts.js'
import { apiServerPort } from '../facts/static-pod-flags.js'

/**
 * The proof of a load balancer with one active backend: the holder of the Lease answers at the virtual IP, identified by certificate; and each of
 * `backends` can take it over: its kube-vip runs, and its API server, through which it would acquire the Lease, answers.
 */
export function proveTakeOver(
  run: ConversionRun,
  backends: readonly NodeEntry[],
  signal: AbortSignal,
): Promise<readonly Evidence[]> {
  const address = run.loadBalancer.movingAddress() ?? ''
  return until(
    `${backends.map(({ name }) => name).join(', ')} to be able to take ${address} over`,
    () => look(run, { backends, address, signal }),
    patience(signal, 60),
  )
}

/** Whether kube-vip runs on a node, according to its container runtime. */
export const kubeVipRuns = async (run: ConversionRun, node: NodeEntry, signal?: AbortSignal): Promise<boolean> =>
  (await runningContainers(run, node, kubeVipName, signal)).length > 0

interface Asked {
  readonly backends: readonly NodeEntry[]
  readonly address: string
  readonly signal: AbortSignal
}

async function look(run: ConversionRun, { backends, address, signal }: Asked): Promise<Look<readonly Evidence[]>> {
  const port = apiServerPort(await run.nodeFacts(run.first))
  const { leases } = await clusterNow(run)
  const holder = leases.find(({ namespace, name }) => namespace === 'kube-system' && name === kubeVipLease)?.holder
  const node = run.controlPlanes.find(({ name }) => name === holder)
  if (node === undefined)
    return notYet(holder ? `the Lease ${kubeVipLease} is held by ${holder}` : `the Lease ${kubeVipLease} has no holder`)
  const options = { host: address, port, path: '', serverName: run.endpoint.host, signal }
  const [met, own] = await Promise.all([
    probeFrom(run, run.first, { ...options, verify: VerifyMode.VERIFY_MODE_CHAIN_ONLY }),
    certificateOf(run, node, { port, signal }),
  ])
  if (met.certificateSha256 !== own) return notYet(`at ${address} another server than ${holder} answers: ${met.error}`)
  const able: Evidence[] = []
  for (const backend of backends) {
    if (!(await kubeVipRuns(run, backend, signal))) return notYet(`kube-vip on ${backend.name} is not running`)
    const certificate = await certificateOf(run, backend, { port, signal })
    able.push({
      what: `${backend.name} can take ${address} over`,
      saw: `kube-vip runs, its API server shows certificate ${certificate.slice(0, 16)}`,
    })
  }
  return holds([
    { what: `${node.name} reached at ${address}:${port}`, saw: `certificate ${own.slice(0, 16)}` },
    ...able,
  ])
}
