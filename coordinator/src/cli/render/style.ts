import colors from 'picocolors'

export type Paint = (text: string) => string

/** The few styles that output uses; all of them plain where there is no terminal. */
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
/** Marks of direction, of no width and the like, breaks of lines and paragraphs, halves of a character. */
const unseen = /[\p{Cf}\p{Cs}\u2028\u2029]/gu

/**
 * Text that came from a node or a file, without what would steer a terminal. What cannot be seen, and may make a text read otherwise than it is
 * (bidirectional marks), is written out: a person approves what stands there.
 */
export function printable(text: string): string {
  const escaped = (unit: string): string => `\\u{${(unit.codePointAt(0) ?? 0).toString(16)}}`
  return text.replaceAll(steering, '').replaceAll(unseen, escaped)
}
