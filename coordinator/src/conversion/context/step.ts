import type { Step } from '../../engine/step.js'
import type { Foreseen } from './foreseen.js'
import type { Proof } from './proof.js'
import type { ConversionRun } from './run.js'

/** A step over the nodes of a cluster: of the conversion's order, of a drill, of a fix. */
export interface ConversionStep<Note = unknown> extends Step<ConversionRun, Note> {
  /**
   * Proofs made once more just before its first action: what was true in the plan, or a step ago, may not be true any more. Unset: it relies on
   * nothing that an earlier gate has not just seen.
   */
  readonly reliesOn?: readonly Proof[]
  /** What its gate asks for, and which checks see in the plan that it will not hold. */
  readonly foreseen?: readonly Foreseen[]
}

/** A step of the conversion's order: all that is known of it is in its one file. */
type OrderedStep<Id extends string, Note> = ConversionStep<Note> &
  Required<Pick<ConversionStep, 'foreseen'>> & { readonly id: Id }

/** A step of the conversion with its id as a literal type; what `apply` returns is what its `verify` is given, and nothing else sees it. */
export const defineStep = <const Id extends string, Note>(step: OrderedStep<Id, Note>): OrderedStep<Id, unknown> => step
