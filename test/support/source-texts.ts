import { parseSync, Visitor } from 'oxc-parser'

export interface SourceText {
  readonly line: number
  /** Of a template what is around its values; each value is an ellipsis. */
  readonly text: string
}

/** Strings and templates of a TypeScript source that look like words of a sentence: they contain a space. */
export function sourceTexts(source: string): readonly SourceText[] {
  const found: SourceText[] = []
  const keep = (text: string, start: number): void => {
    if (/\s/.test(text)) found.push({ line: source.slice(0, start).split('\n').length, text })
  }
  new Visitor({
    Literal: ({ value, start }) => {
      if (typeof value === 'string') keep(value, start)
    },
    TemplateLiteral: ({ quasis, start }) => keep(quasis.map(({ value }) => value.cooked ?? '').join('…'), start),
  }).visit(parseSync('source.ts', source).program)
  return found
}
