import { redact } from '@quorate/shared/redact'
import type { Recognised } from '../../failures/recognise.js'
import { printable, type Style } from './style.js'

interface Explained {
  readonly lines: number
  readonly recognised: readonly Recognised[]
}

const shownCharacters = 300

/** A line of somebody's log: without secrets, and without what would steer a terminal. */
function quoted(line: string): string {
  const text = redact(printable(line)).trim()
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)} ...` : text
}

/** Each message that was recognised, in the order in which it came first. */
export function explanationText({ lines, recognised }: Explained, style: Style): string {
  if (recognised.length === 0)
    return `Nothing in these ${lines} lines is known to Quorate. docs/failures.md lists what is.\n`
  return recognised.map((one) => `${messageText(one, style)}\n`).join('\n')
}

function messageText(one: Recognised, style: Style): string {
  const times = one.count === 1 ? 'once' : `${one.count} times`
  return [
    `${style.strong(`${one.failures.join(' ')} ${one.explanation}`)}, ${times}, first in line ${one.lineNumber}:`,
    `  ${style.faint(quoted(one.line))}`,
    `  ${one.cause}`,
    `  next: ${one.remedy}`,
  ].join('\n')
}

export const explanationJson = ({ lines, recognised }: Explained): string =>
  `${JSON.stringify({ lines, recognised: recognised.map((one) => ({ ...one, line: quoted(one.line) })) })}\n`
