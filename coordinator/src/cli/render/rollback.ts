import type { RollbackPlan, UndoStep } from '../../runs/rollback.js'
import { printable, type Style } from './style.js'

/** A rollback as text: what is undone in which order, what stays, etcd before each member leaves, what cannot be undone. */
export function rollbackText(plan: RollbackPlan, style: Style): string {
  const line = ({ id, how, nodes }: UndoStep, index: number) =>
    `${`${index + 1}`.padStart(2)}. ${id}: ${printable(how)} ${style.faint(`(${nodes.join(', ')})`)}\n`
  const parts = [
    `${style.strong(`Undoing run ${plan.run} of ${plan.cluster}`)}\n`,
    plan.undone.length === 0 ? '  nothing is left to undo\n' : plan.undone.map(line).join(''),
  ]
  if (plan.stays.length > 0)
    parts.push(
      `\n${style.strong('Stays')}\n${plan.stays.map(({ id, how }) => `  ${id}: ${printable(how)}\n`).join('')}`,
    )
  if (plan.quorum.length > 0)
    parts.push(`\n${style.strong('etcd')}\n${plan.quorum.map((text) => `  ${printable(text)}\n`).join('')}`)
  if (plan.impossible.length > 0)
    parts.push(
      `\n${style.bad('Cannot be undone')}\n${plan.impossible.map((text) => `  ${printable(text)}\n`).join('')}  docs/runbook.md#quorum\n`,
    )
  return `${parts.join('')}\n`
}
