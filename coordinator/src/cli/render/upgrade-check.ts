import { plural } from '../../report/words.js'
import type { UpgradeItem } from '../../runs/upgrade-check.js'
import { printable, type Style } from './style.js'
import { table } from './table.js'

/** Runs and agents, below them what to do first, and the sum in one line. */
export function upgradeText(items: readonly UpgradeItem[], version: string, style: Style): string {
  const rows = items.map(({ kind, name, version: theirs, verdict }) => [kind, name, printable(theirs) || '-', verdict])
  const paint = { fine: style.good, 'can wait': style.warn, blocks: style.bad }
  const details = items
    .filter(({ verdict }) => verdict !== 'fine')
    .map(
      ({ name, verdict, says, next }) => `\n${paint[verdict](name)}: ${printable(says)}\n  next: ${printable(next)}\n`,
    )
  const blocking = items.filter(({ verdict }) => verdict === 'blocks').length
  const end =
    blocking === 0
      ? `quorate ${version} can take over.`
      : `quorate ${version} cannot take over yet: ${plural(blocking, 'thing')} first.`
  const listed = items.length === 0 ? '' : table(['KIND', 'NAME', 'RELEASE', 'VERDICT'], rows)
  return `${listed}${details.join('')}${listed === '' ? '' : '\n'}${items.length === 0 ? 'No run is open and no node is enrolled. ' : ''}${end}\n`
}
