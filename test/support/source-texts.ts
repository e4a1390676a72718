import { SyntaxKind } from 'typescript/unstable/ast'
import { createScanner } from 'typescript/unstable/ast/scanner'

export interface SourceText {
  readonly line: number
  /** Of a template what is around its values; each value is an ellipsis. */
  readonly text: string
}

/** A slash after one of these divides; after anything else it begins a regular expression. */
const operands: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.Identifier,
  SyntaxKind.NumericLiteral,
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateTail,
  SyntaxKind.CloseParenToken,
  SyntaxKind.CloseBracketToken,
  SyntaxKind.CloseBraceToken,
  SyntaxKind.ThisKeyword,
])

/** Strings and templates of a TypeScript source that look like words of a sentence: they contain a space. */
export function sourceTexts(source: string): readonly SourceText[] {
  const scanner = createScanner(true, undefined, source)
  const found: SourceText[] = []
  /** Open templates: their text so far, where they begin, and how many braces are open in their value. */
  const templates: { text: string; start: number; braces: number }[] = []
  const keep = (text: string, start: number): void => {
    if (/\s/.test(text)) found.push({ line: source.slice(0, start).split('\n').length, text })
  }
  let before = SyntaxKind.Unknown
  for (let token = scanner.scan(); token !== SyntaxKind.EndOfFile; token = scanner.scan()) {
    const isSlash = token === SyntaxKind.SlashToken || token === SyntaxKind.SlashEqualsToken
    if (isSlash && !operands.has(before)) token = scanner.reScanSlashToken()
    const open = templates.at(-1)
    if (token === SyntaxKind.CloseBraceToken && open?.braces === 0) {
      token = scanner.reScanTemplateToken(false)
      open.text += scanner.getTokenValue()
      if (token === SyntaxKind.TemplateTail) keep(templates.pop()?.text ?? '', open.start)
      else open.text += '…'
    } else if (token === SyntaxKind.TemplateHead) {
      templates.push({ text: `${scanner.getTokenValue()}…`, start: scanner.getTokenStart(), braces: 0 })
    } else if (open !== undefined && token === SyntaxKind.OpenBraceToken) open.braces += 1
    else if (open !== undefined && token === SyntaxKind.CloseBraceToken) open.braces -= 1
    else if (token === SyntaxKind.StringLiteral || token === SyntaxKind.NoSubstitutionTemplateLiteral)
      keep(scanner.getTokenValue(), scanner.getTokenStart())
    before = token
  }
  return found
}
