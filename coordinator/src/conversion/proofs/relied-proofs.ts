import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { Evidence } from '../../engine/step.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun, ConversionStep } from '../context/run.js'
import type { conversionOrder } from '../order.js'
import { endpointAnswers } from './endpoint-answers.js'
import { endpointName } from './endpoint-name.js'
import { mtuProof } from './mtu.js'
import type { Proof } from './proof.js'

type StepId = (typeof conversionOrder)[number]['id']

/** From every node: the name, without cluster DNS; TCP, TLS with full verification and /readyz through the load balancer. */
const endpoint = [endpointName, endpointAnswers]

/**
 * WHICH PROOFS A STEP RELIES ON, made once more just before its first action: what was so in the plan, or a step ago, may be so no more.
 * A step that is not named relies on nothing that an earlier gate has not seen in the same breath. What a join relies on beside the endpoint
 * (ports both ways, clocks, the disk) is the gate of prepare-joining, which makes those proofs again on every joiner.
 */
export const reliedProofs: Partial<Record<StepId, readonly Proof[]>> = {
  'regenerate-apiserver-certificate': [endpointName],
  'rewrite-first-kubelet': endpoint,
  'rewrite-control-plane-kubeconfigs': endpoint,
  'rewrite-admin-kubeconfigs': endpoint,
  'update-kube-proxy': endpoint,
  'rewrite-worker-kubeconfigs': endpoint,
  'update-cluster-info': endpoint,
  'join-control-planes': [...endpoint, mtuProof],
}

/** One lost packet is no reason to stop a run; what stays so is. */
const patienceMs = 5_000

/** The step, with what it relies on proved before it. */
export function withReliedProofs(step: ConversionStep): ConversionStep {
  const proofs: readonly Proof[] | undefined = reliedProofs[step.id as StepId]
  return proofs === undefined ? step : { ...step, before: (run, signal) => proveAgain(run, { step, proofs, signal }) }
}

async function proveAgain(
  run: ConversionRun,
  { step, proofs, signal }: { step: ConversionStep; proofs: readonly Proof[]; signal: AbortSignal },
): Promise<readonly Evidence[]> {
  let missing: readonly Finding[] = []
  const look = async (): Promise<Look<readonly Evidence[]>> => {
    const results = await Promise.all(proofs.map((proof) => proof.prove(run, signal)))
    missing = results.flatMap(({ findings }) => findings).filter(({ severity }) => severity === 'error')
    return missing.length === 0
      ? holds(results.flatMap(({ evidence }) => evidence))
      : notYet(missing.map(inWords).join('; '))
  }
  const options = { deadlineMs: patienceMs, everyMs: 200, signal }
  return until(`what ${step.id} relies on to hold`, look, options).catch((error: unknown) => {
    if (missing.length === 0 || signal.aborted) throw asQuorateError(error)
    throw new QuorateError('STEP_FAILED', `${step.id} was not begun: ${missing.map(inWords).join('; ')}`, {
      where: missing[0]?.node ?? run.first.name,
      remedy: [...new Set(missing.map(({ remedy }) => remedy))].join(' '),
    })
  })
}

const inWords = ({ node, message, evidence }: Finding): string =>
  `${node === undefined ? '' : `${node}: `}${message} (${evidence})`
