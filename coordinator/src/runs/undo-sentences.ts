import type { ConversionStep } from '../conversion/context/step.js'
import { conversionOrder } from '../conversion/order.js'

/** How each step of the order that has an undo is undone, by id: for reports. */
export function undoSentences(order: readonly ConversionStep[] = conversionOrder): Readonly<Record<string, string>> {
  const undone = order.filter(({ rollback }) => typeof rollback === 'function')
  return Object.fromEntries(undone.map(({ id, undo }) => [id, undo]))
}
