import { plural } from '../../report/words.js'
import type { Informed, Revoked, RevokePlan } from '../../runs/revoke.js'
import { printable, type Style } from './style.js'
import { table } from './table.js'

/** What would be revoked, and what that means. */
export function revokePlanText({ whose, keys, fresh }: RevokePlan): string {
  if (fresh.length === 0)
    return `${plural(keys.length, 'key')} of ${whose}: revoked already. The nodes get the list again.\n`
  const already = keys.length - fresh.length
  return (
    `${plural(fresh.length, 'key')} of ${whose}${already > 0 ? `, beside ${already} revoked already` : ''}:\n` +
    `${fresh.map(({ sha256 }) => `  sha256:${sha256}\n`).join('')}` +
    'Every agent refuses these keys from now on, and ends what they have open; a run that uses them stops. A key cannot be allowed again: give its owner a new one.\n'
  )
}

const said: Readonly<Record<Informed['state'], string>> = {
  'has it': 'yes',
  away: 'no',
  revoked: 'is revoked',
}

/** Which node has the list; below, what to do about those that have not. */
export function revokedText({ number, nodes }: Revoked, style: Style): string {
  const rows = nodes.map(({ name, state }) => [name, said[state]])
  const away = nodes.flatMap(({ name, state, problem }) =>
    state === 'away' && problem !== undefined
      ? [
          `\n${style.bad(name)}: ${printable(problem.message)}. It gets the list with the next command that reaches it.\n  next: ${printable(problem.remedy)}\n`,
        ]
      : [],
  )
  return table(['NODE', `HAS LIST ${number}`], rows) + away.join('')
}
