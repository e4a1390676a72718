import colors from 'picocolors'

export type Paint = (text: string) => string

/** The styles of the output; all plain without a terminal. */
export interface Style {
  readonly good: Paint
  readonly bad: Paint
  readonly warn: Paint
  readonly faint: Paint
  readonly strong: Paint
  readonly added: Paint
  readonly removed: Paint
}

export function makeStyle(coloured: boolean): Style {
  const { green, red, yellow, dim, bold } = colors.createColors(coloured)
  return { good: green, bad: red, warn: yellow, faint: dim, strong: bold, added: green, removed: red }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are exactly what must not reach a terminal
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
/** Bidirectional and zero-width marks, line and paragraph separators, lone surrogates. */
const unseen = /[\p{Cf}\p{Cs}\u2028\u2029]/gu

/** What this program itself sends to a terminal: colours, and the redrawing of progress-view.ts. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with ESC
const own = /(\u001b\[(?:\d{1,2}m|\d{1,4}A|[KJ]))/

/** Text as a terminal may get it: foreign control characters are gone wherever they come from, our own stay. */
export const shown = (text: string): string =>
  text
    .split(own)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join('')

/**
 * Text from a node or a file, without terminal control characters. Invisible characters that may disguise a text (bidirectional marks) are
 * written out: the operator approves what is shown.
 */
export function printable(text: string): string {
  const escaped = (unit: string): string => `\\u{${(unit.codePointAt(0) ?? 0).toString(16)}}`
  return text.replaceAll(steering, '').replaceAll(unseen, escaped)
}
