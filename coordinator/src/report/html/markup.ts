/** Safe markup: only `html` makes it. */
export class Html {
  readonly markup: string
  constructor(markup: string) {
    this.markup = markup
  }
}

export type Content = Html | string | number | undefined | readonly Content[]

/** Markup from a template. Inserted text is escaped, inserted markup is not. Quote attributes. */
export const html = (template: TemplateStringsArray, ...content: readonly Content[]): Html =>
  new Html(template.map((part, index) => part + markupOf(content[index])).join(''))

function markupOf(content: Content): string {
  if (content === undefined) return ''
  if (content instanceof Html) return content.markup
  return typeof content === 'object' ? content.map(markupOf).join('') : escaped(String(content))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string =>
  text
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
    // Bidirectional and zero-width marks could make a line of a diff look like another one (CVE-2021-42574).
    .replaceAll(/[\p{Cf}\u2028\u2029]/gu, codePoint)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are exactly what HTML does not allow
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')

const codePoint = (character: string): string =>
  `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`
