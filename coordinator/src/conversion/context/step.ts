import type { Step } from '../../engine/step.js'
import type { Foreseen } from './foreseen.js'
import type { Proof } from './proof.js'
import type { ConversionRun } from './run.js'

/** A step over the nodes of a cluster: of the conversion's order, of a drill, of a fix. */
export interface ConversionStep<Note = unknown> extends Step<ConversionRun, Note> {
  /**
   * Proofs repeated just before its first action: what was true in the plan, or a step ago, may have changed. Unset: it relies only on what an
   * earlier gate has just verified.
   */
  readonly reliesOn?: readonly Proof[]
  /** Proofs that it makes hold again, alone or together with other steps: `quorate verify --fix` offers it for what they find. */
  readonly fixes?: readonly Proof[]
  /** The conditions of its gate, and the checks that detect in the plan that they will not hold. */
  readonly foreseen?: readonly Foreseen[]
}

/** A step of the conversion's order: all about it is in its one file. */
type OrderedStep<Id extends string, Note> = ConversionStep<Note> &
  Required<Pick<ConversionStep, 'foreseen'>> & { readonly id: Id }

/** A step of the conversion with its id as a literal type; only its `verify` gets what `apply` returns. */
export const defineStep = <const Id extends string, Note>(step: OrderedStep<Id, Note>): OrderedStep<Id, unknown> => step
