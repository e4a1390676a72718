import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { RecordedFinding } from '../../engine/recorded-finding.js'
import type { Evidence } from '../../engine/step.js'
import { elected } from '../clients/elected.js'
import { acceptedFinding, acceptedOfComponent, wasSoBefore } from '../context/accepted.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { allProofs } from './all.js'
import { type Proved, prove } from './prove.js'

interface Waiting {
  readonly signal: AbortSignal
  readonly deadlineMs: number
  /** Proofs that need not hold; what they miss is reported as evidence. */
  readonly except?: ReadonlySet<string>
  /** What is known to be missing and is not waited for. */
  readonly remaining?: readonly RecordedFinding[]
}

/**
 * Makes all proofs, then those that do not hold yet again and again, until each was seen to hold; else STEP_FAILED with all that is missing.
 * What was proved a moment ago is not proved once more for what is late: every look costs the nodes what the late one waits for.
 */
export async function untilProved(
  run: ConversionRun,
  { signal, deadlineMs, except = new Set(), remaining = [] }: Waiting,
): Promise<readonly Evidence[]> {
  let missing: readonly Finding[] = []
  const held = new Map<string, Proved>()
  const look = async (): Promise<Look<readonly Evidence[]>> => {
    run.refresh()
    const due = allProofs.filter(({ id }) => !held.has(id))
    const seen = await prove(run, due, signal)
    for (const proof of seen.proofs) if (proof.holds) held.set(proof.id, proof)
    const proofs = [...held.values(), ...seen.proofs.filter(({ holds }) => !holds)]
    const needed = proofs.filter(({ id }) => !except.has(id))
    const spared = proofs.filter(({ id }) => except.has(id))
    const before = needed.flatMap((proof) => knownBefore(run, proof))
    const told = [...remaining, ...before.map(({ finding }) => finding)]
    missing = errorsOf(needed).filter((finding) => !told.some((one) => isSame(one, finding)))
    const isDone = ({ holds: is, findings }: Proved): boolean => is || findings.length > 0
    return (needed.every(isDone) || remaining.length > 0) && missing.length === 0
      ? holds([
          ...proofs.flatMap(({ evidence }) => evidence),
          ...errorsOf(spared).map(notProved),
          ...before.map(({ accepted }) => wasSoBefore(accepted)),
        ])
      : notYet(missing.map(inWords).join('; '))
  }
  return until('the cluster to be highly available', look, { deadlineMs, everyMs: 500, signal }).catch(
    (error: unknown) => {
      throw missing.length === 0 ? asQuorateError(error) : notHighlyAvailable(run, missing)
    },
  )
}

/** Findings of a proof that the plan had, and that the operator accepted: with what was accepted. */
function knownBefore(run: ConversionRun, proof: Proved): { finding: Finding; accepted: RecordedFinding }[] {
  return errorsOf([proof]).flatMap((finding) => {
    const accepted = staysFor(proof.id).flatMap((check) => acceptedFor(run, check, finding) ?? [])
    return accepted.slice(0, 1).map((one) => ({ finding, accepted: one }))
  })
}

/** Checks whose finding no step changes and the proof repeats. */
const staysFor = (proof: string): readonly string[] =>
  allProofs.filter(({ id }) => id === proof).flatMap(({ foreseen }) => foreseen.flatMap(({ stays = [] }) => stays))

/** Of a Lease only what was accepted of this very component. */
function acceptedFor(run: ConversionRun, check: string, { node, message }: Finding): RecordedFinding | undefined {
  if (check !== 'leases') return acceptedFinding(run, check, node)
  return Object.values(elected)
    .filter(({ lease }) => message.includes(lease))
    .map(({ lease }) => acceptedOfComponent(run, check, lease))[0]
}

const errorsOf = (proofs: readonly Proved[]): readonly Finding[] =>
  proofs.flatMap(({ findings }) => findings).filter(({ severity }) => severity === 'error')

const notProved = ({ id, message, evidence }: Finding): Evidence => ({
  what: `NOT PROVED: ${id}`,
  saw: `${message} (${evidence})`,
})

const isSame = (a: RecordedFinding, b: Finding): boolean =>
  a.id === b.id && a.node === b.node && a.message === b.message

const inWords = ({ node, message, evidence }: Finding): string =>
  `${node === undefined ? '' : `${node}: `}${message} (${evidence})`

function notHighlyAvailable(run: ConversionRun, missing: readonly Finding[]): QuorateError {
  return new QuorateError('STEP_FAILED', `not highly available: ${missing.map(inWords).join('; ')}`, {
    where: missing[0]?.node ?? run.first.name,
    remedy: [...new Set(missing.map(({ remedy }) => remedy))].join(' '),
  })
}
