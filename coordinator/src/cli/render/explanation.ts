import { redact } from '@quorate/shared/redact'
import { line } from '../../documents/document.js'
import { explanation } from '../../documents/fleet.js'
import type { Recognised } from '../../failures/recognise.js'
import { printable, type Style } from './style.js'

interface Explained {
  readonly lines: number
  readonly recognised: readonly Recognised[]
}

const shownCharacters = 300

/** A log line without secrets and without terminal control characters. */
function quoted(line: string): string {
  const text = redact(printable(line)).trim()
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)} ...` : text
}

/** Each recognised message, in the order of first occurrence. */
export function explanationText({ lines, recognised }: Explained, style: Style): string {
  if (recognised.length === 0)
    return `Quorate knows no message in ${lines === 1 ? 'this line' : `these ${lines} lines`}. docs/failures.md lists the messages that it knows.\n`
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
  line(explanation, { lines, recognised: recognised.map((one) => ({ ...one, line: quoted(one.line) })) })
