import { asQuorateError, catalogue, QuorateError } from '@quorate/shared/errors'
import { eachNode } from './each-node.js'
import type { RunError, RunEvent } from './events.js'
import { ActionFailed, applyAction, type RunContext, runError, type Task, verifyAction } from './perform-action.js'
import { type PlannedStep, requireApproved } from './plan.js'
import type { Action, Step } from './step.js'

/** How a run ended. `needsPerson`: the cluster needs a person now (exit code 5), not merely another try. */
export interface RunOutcome {
  readonly outcome: 'done' | 'failed' | 'interrupted'
  readonly needsPerson: boolean
  readonly error?: RunError
}

export interface RunOrderOptions<Run extends { refresh(): void }> {
  readonly order: readonly Step<Run>[]
  readonly run: Run
  /** The plan that a person approved; nothing beyond it is done. */
  readonly approved: readonly PlannedStep[]
  readonly context: RunContext
  readonly started: {
    readonly planHash: string
    readonly version: string
    readonly clusterFile: string
    readonly ignored: Readonly<Record<string, string>>
  }
  /** Resolves when the event is recorded; a rejection ends the run. */
  emit(event: RunEvent): Promise<void>
  /** Aborted: no further action is started; those that run come to their end. */
  readonly stop: AbortSignal
}

/** A gate that is watched while later steps go on. */
interface Settling {
  readonly step: string
  readonly before: string | undefined
  readonly verified: Promise<void>
}

/**
 * Walks the order: each step is planned again from fresh facts, held against the approved plan, done and verified. Never rejects.
 * After a failure no new node is started; what runs comes to its end, and only the failed node's action is undone.
 */
export async function runOrder<Run extends { refresh(): void }>(options: RunOrderOptions<Run>): Promise<RunOutcome> {
  const { order, context, started, emit } = options
  const walk = new Walk(options)
  let outcome: RunOutcome
  try {
    const steps = order.map(({ id, title }) => ({ id, title, actions: walk.approvedActions(id) }))
    await emit({ kind: 'run-started', cluster: context.cluster, fencingToken: context.fencingToken, ...started, steps })
    for (const step of order) {
      await walk.settle(step.id)
      await walk.step(step)
    }
    await walk.settle()
    outcome = { outcome: 'done', needsPerson: false }
  } catch (error) {
    outcome = outcomeOf(await walk.afterFailure(error))
  }
  const { error } = outcome
  // The journal itself may be what failed; then its absence of an end is the record.
  await emit({ kind: 'run-ended', outcome: outcome.outcome, ...(error === undefined ? {} : { error }) }).catch(
    () => undefined,
  )
  return outcome
}

class Walk<Run extends { refresh(): void }> {
  readonly #options: RunOrderOptions<Run>
  #settling: Settling[] = []
  #backgroundFailed = false

  constructor(options: RunOrderOptions<Run>) {
    this.#options = options
  }

  approvedActions(step: string): readonly Action[] {
    return this.#options.approved.find(({ id }) => id === step)?.actions ?? []
  }

  /** Waits for the gates that must hold before the step `next`; for all of them when there is no next. */
  async settle(next?: string): Promise<void> {
    const due = this.#settling.filter(({ before }) => next === undefined || before === next)
    this.#settling = this.#settling.filter((one) => !due.includes(one))
    for (const { verified } of due) await verified
  }

  async step(step: Step<Run>): Promise<void> {
    const { run, emit } = this.#options
    await this.#requireGoingOn(step.title)
    run.refresh()
    const actions = await step.plan(run)
    if (actions.length === 0) return emit({ kind: 'step-skipped', step: step.id, title: step.title })
    requireApproved(step.id, this.approvedActions(step.id), actions)
    await emit({ kind: 'step-started', step: step.id, title: step.title, actions })
    const gates = await this.#walkActions(step, actions)
    const verified = Promise.all(gates.map((gate) => gate())).then(() => emit({ kind: 'step-done', step: step.id }))
    if (step.settleBefore === undefined) return verified
    verified.catch(() => {
      this.#backgroundFailed = true
    })
    this.#settling.push({ step: step.id, before: step.settleBefore, verified })
  }

  /** Does every action; returns the gates that are to be watched later. */
  async #walkActions(step: Step<Run>, actions: readonly Action[]): Promise<(() => Promise<void>)[]> {
    const { run, context, emit, stop } = this.#options
    const later: (() => Promise<void>)[] = []
    const { failures, left } = await eachNode(
      actions,
      {
        width: typeof step.width === 'number' ? step.width : step.width(run),
        canary: step.canary?.(run) ?? 0,
        maxFailed: step.maxFailed?.(run) ?? 0,
        mayStart: () => !stop.aborted && !this.#backgroundFailed,
      },
      async (action) => {
        const task: Task<Run> = { step, action, run, context, emit }
        const applied = await applyAction(task)
        if (step.settleBefore === undefined) await verifyAction(task, applied)
        else later.push(() => verifyAction(task, applied))
      },
    )
    if (failures.length > 0) {
      await Promise.allSettled(later.map((gate) => gate()))
      throw combined(failures, actions.length)
    }
    if (left > 0) await this.#requireGoingOn(`${step.title}: ${left} of ${actions.length} actions were not begun`)
    return later
  }

  async #requireGoingOn(before: string): Promise<void> {
    if (this.#backgroundFailed) await this.settle()
    if (this.#options.stop.aborted)
      throw new QuorateError('INTERRUPTED', `stopped before: ${before}`, { where: this.#options.context.cluster })
  }

  /** Lets the gates that are still watched come to their end, and prefers a real failure to an interruption. */
  async afterFailure(error: unknown): Promise<unknown> {
    const results = await Promise.allSettled(this.#settling.map(({ verified }) => verified))
    const second = results.find((result) => result.status === 'rejected')
    const interrupted = error instanceof QuorateError && error.code === 'INTERRUPTED'
    return interrupted && second !== undefined ? second.reason : error
  }
}

// One failure speaks for itself; of several every one is in the journal, and the sum names them.
function combined(failures: readonly unknown[], total: number): unknown {
  const failed = failures.filter((failure) => failure instanceof ActionFailed)
  const [first] = failed
  if (failures.length === 1 || first === undefined || failed.length < failures.length)
    return failures.find((failure) => !(failure instanceof ActionFailed)) ?? first
  const nodes = failed.map(({ error }) => `${error.where}: ${error.message}`).join('; ')
  const error = { ...first.error, message: `${failed.length} of ${total} actions failed. ${nodes}` }
  return new ActionFailed(
    error,
    failed.some(({ needsPerson }) => needsPerson),
  )
}

function outcomeOf(thrown: unknown): RunOutcome {
  if (thrown instanceof ActionFailed) return { outcome: 'failed', needsPerson: thrown.needsPerson, error: thrown.error }
  const error = asQuorateError(thrown)
  if (error.code === 'INTERRUPTED') return { outcome: 'interrupted', needsPerson: false, error: runError(error) }
  return { outcome: 'failed', needsPerson: catalogue[error.code].exit === 'needsPerson', error: runError(error) }
}
