import { day } from '../../report/words.js'
import type { Renewed } from '../../runs/renew.js'
import { printable, type Style } from './style.js'
import { table } from './table.js'

const said: Readonly<Record<Renewed['state'], string>> = {
  renewed: 'renewed',
  valid: 'valid, not due',
  failed: 'not renewed',
}

/** One line an identity; below them why one was not renewed. */
export function renewedText(renewed: readonly Renewed[], style: Style): string {
  const rows = renewed.map(({ whose, state, until }) => [whose, said[state], day(until)])
  const problems = renewed.flatMap(({ whose, problem }) =>
    problem === undefined
      ? []
      : [`\n${style.bad(whose)}: ${printable(problem.message)}\n  next: ${printable(problem.remedy)}\n`],
  )
  return table(['IDENTITY', 'STATE', 'CERTIFICATE UNTIL'], rows) + problems.join('')
}
