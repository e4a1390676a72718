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

/** Text that came from a node or a file, without what would steer a terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are exactly what must not reach a terminal
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
}
