import type { ConversionRun } from '../conversion/context/run.js'
import type { PlannedStep } from '../engine/plan.js'
import { widthOf } from '../engine/step.js'

/** Seconds of one action with its gate, unless its step has `seconds`. */
const otherwiseSeconds = 3

/** Seconds that the plan will take, roughly: steps one after the other, each in as many rounds as its width requires. */
export async function estimateSeconds(planned: readonly PlannedStep[], run: ConversionRun): Promise<number> {
  let sum = 0
  for (const { id, actions } of planned) {
    const step = run.order.find((one) => one.id === id)
    if (step === undefined || actions.length === 0) continue
    const canary = Math.min(step.canary?.(run) ?? 0, actions.length)
    const rounds = canary + Math.ceil((actions.length - canary) / (await widthOf(step, run)))
    sum += rounds * (step.seconds ?? otherwiseSeconds)
  }
  return sum
}
