import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { Evidence } from '../engine/step.js'
import type { Finding } from './checks/check.js'
import { allProofs } from './proofs/all.js'
import { type Proved, prove } from './prove.js'
import type { ConversionRun } from './run.js'

interface UntilProved {
  readonly signal: AbortSignal
  readonly deadlineMs: number
  /** Proofs that need not hold; what they miss is told as evidence. */
  readonly except?: ReadonlySet<string>
}

/** Makes all proofs again and again until they hold; else STEP_FAILED with all that is missing. */
export async function untilProved(
  run: ConversionRun,
  { signal, deadlineMs, except = new Set() }: UntilProved,
): Promise<readonly Evidence[]> {
  let missing: readonly Finding[] = []
  const look = async (): Promise<Look<readonly Evidence[]>> => {
    run.refresh()
    const { proofs } = await prove(run, allProofs, signal)
    const needed = proofs.filter(({ id }) => !except.has(id))
    const spared = proofs.filter(({ id }) => except.has(id))
    missing = errorsOf(needed)
    return needed.every((proof) => proof.holds)
      ? holds([...proofs.flatMap(({ evidence }) => evidence), ...errorsOf(spared).map(notProved)])
      : notYet(missing.map(inWords).join('; '))
  }
  return until('the cluster to be highly available', look, { deadlineMs, everyMs: 500, signal }).catch(
    (error: unknown) => {
      throw missing.length === 0 ? asQuorateError(error) : notHighlyAvailable(run, missing)
    },
  )
}

const errorsOf = (proofs: readonly Proved[]): readonly Finding[] =>
  proofs.flatMap(({ findings }) => findings).filter(({ severity }) => severity === 'error')

const notProved = ({ id, message, evidence }: Finding): Evidence => ({
  what: `NOT PROVED: ${id}`,
  saw: `${message} (${evidence})`,
})

const inWords = ({ node, message, evidence }: Finding): string =>
  `${node === undefined ? '' : `${node}: `}${message} (${evidence})`

function notHighlyAvailable(run: ConversionRun, missing: readonly Finding[]): QuorateError {
  return new QuorateError('STEP_FAILED', `not highly available: ${missing.map(inWords).join('; ')}`, {
    where: missing[0]?.node ?? run.first.name,
    remedy: [...new Set(missing.map(({ remedy }) => remedy))].join(' '),
  })
}
