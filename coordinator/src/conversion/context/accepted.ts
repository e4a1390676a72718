import type { RecordedFinding } from '../../engine/recorded-finding.js'
import type { Evidence } from '../../engine/step.js'
import type { ConversionRun } from './run.js'

/**
 * What the plan found broken and the operator accepted with a reason. No step changes it, so no gate waits for it and no proof fails the run because
 * of it; the report says that it was broken before.
 */
export const acceptedFinding = (run: ConversionRun, id: string, node?: string): RecordedFinding | undefined =>
  run.accepted.find(
    (finding) => finding.id === id && (node === undefined || finding.node === undefined || finding.node === node),
  )

/** All that were accepted of one check. */
export const acceptedFindings = (run: ConversionRun, id: string): readonly RecordedFinding[] =>
  run.accepted.filter((finding) => finding.id === id)

/** The errors of a plan that are ignored with a reason. */
export const acceptedOf = (findings: readonly RecordedFinding[]): readonly RecordedFinding[] =>
  findings.filter(({ severity, ignoredBecause }) => severity === 'error' && ignoredBecause !== undefined)

/**
 * What was accepted for one component: `static-pods-run` and `leases` name it in their messages. Accepting a missing scheduler does not accept a
 * missing controller-manager.
 */
export const acceptedOfComponent = (run: ConversionRun, id: string, component: string): RecordedFinding | undefined =>
  acceptedFindings(run, id).find(({ message }) => message.includes(component))

/** As the report has it. */
export const wasSoBefore = ({ id, message, evidence, ignoredBecause }: RecordedFinding): Evidence => ({
  what: `SO BEFORE THE CONVERSION: ${id}`,
  saw: `${message} (${evidence}); accepted: ${ignoredBecause ?? ''}`,
})
