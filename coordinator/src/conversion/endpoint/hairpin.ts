import { VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { certificateOf, probeFrom, problemOf, readyStatuses } from './probe.js'

/** Balanced in turns over three while others connect too, a node is led to itself once in three times: 15 times never is one in four hundred. */
const attemptsForEach = 5

/** Before the conversion the certificate lacks the endpoint's name: chain and fingerprint identify the server. */
const chainOnly = { verify: VerifyMode.VERIFY_MODE_CHAIN_ONLY, timeoutMs: 2_000 }

/** What became of connections of one control plane through the load balancer. */
export interface Hairpin {
  readonly attempts: number
  readonly problems: readonly string[]
  /** Whether it was led back to itself, by the certificate that it met. */
  readonly metItself: boolean
}

/**
 * Connects a control plane through the load balancer until it meets itself, or as often as makes it likely. Some load balancers cannot send a
 * packet back to where it came from (Azure's internal one, Alibaba's CLB; kubernetes/kubeadm#2271, #2996, kubernetes/kubernetes#122782).
 */
export async function hairpinOf(
  run: ConversionRun,
  node: NodeEntry,
  { backends, signal }: { backends: number; signal?: AbortSignal },
): Promise<Hairpin> {
  const options = signal === undefined ? {} : { signal }
  const port = apiServerPort(await run.nodeFacts(run.first))
  const [own, statuses] = await Promise.all([certificateOf(run, node, { port, ...options }), readyStatuses(run)])
  const { host, port: through } = run.endpoint
  const problems: string[] = []
  let attempts = 0
  while (attempts < attemptsForEach * backends && problems.length < 3) {
    attempts++
    const answer = await probeFrom(run, node, { ...chainOnly, host, port: through, serverName: host, ...options })
    const problem = problemOf(answer, statuses)
    if (problem !== undefined) problems.push(problem)
    else if (answer.certificateSha256 === own) return { attempts, problems, metItself: true }
  }
  return { attempts, problems, metItself: false }
}

export const hairpinEvidence = (run: ConversionRun, node: NodeEntry, { attempts, metItself }: Hairpin): Evidence => ({
  what: `${node.name} through ${run.endpoint.host}:${run.endpoint.port} to itself`,
  saw: metItself
    ? `reached its own API server on connection ${attempts}`
    : `answered ${attempts} times, never by its own API server: its load balancer forwards elsewhere`,
})

/** An error where its kubelet goes that way; else kubectl and kubeadm on that node do, which say so and can be asked again. */
export async function hairpinFinding(
  run: ConversionRun,
  node: NodeEntry,
  { attempts, problems }: Hairpin,
): Promise<Omit<Finding, 'id'>> {
  const { kubelet } = await run.endpointPolicy()
  return {
    severity: kubelet === 'load-balancer' ? 'error' : 'warning',
    node: node.name,
    message: 'it does not reach itself through the load balancer',
    evidence: `${problems.length} of ${attempts} connections failed: ${[...new Set(problems)].join('; ')}`,
    remedy:
      'Configure the load balancer to use its own address towards the backends (full NAT or proxy mode, not direct return), or set policy.controlPlaneKubeconfigs: local.',
  }
}
