import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { Evidence } from '../../engine/step.js'
import type { Finding } from '../context/finding.js'
import type { Proof } from '../context/proof.js'
import type { ConversionRun } from '../context/run.js'
import type { ConversionStep } from '../context/step.js'

/** One lost packet is no reason to stop a run; what stays so is. */
const patienceMs = 5_000

/** The step as the engine walks it: what it relies on is proved before it, after what it asks itself. */
export function withReliedProofs(step: ConversionStep): ConversionStep {
  const { reliesOn: proofs } = step
  if (proofs === undefined) return step
  const before = async (run: ConversionRun, signal: AbortSignal) => [
    ...((await step.before?.(run, signal)) ?? []),
    ...(await proveAgain(run, { step, proofs, signal })),
  ]
  return { ...step, before }
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
