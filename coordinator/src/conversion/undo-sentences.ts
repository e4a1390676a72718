import { conversionOrder } from './order.js'
import type { ConversionStep } from './run.js'

/** How each step of the order is undone, by id: for reports. */
export function undoSentences(order: readonly ConversionStep[] = conversionOrder): Readonly<Record<string, string>> {
  return Object.fromEntries(order.map(({ id, undo }) => [id, undo]))
}
