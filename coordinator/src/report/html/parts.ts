import { type Content, type Html, html } from './markup.js'

/** What a state or severity looks like; the word itself is always there too. */
export type Tone = 'good' | 'bad' | 'warn' | 'plain'

export const badge = (tone: Tone, word: string): Html => html`<span class="badge ${tone}">${word}</span>`

/** Text of which paper gets the beginning only: a screen can fold it away, and a program reads it in the JSON report. */
export const shortOnPaper = (beginning: Content, rest: Content, more: string): Html =>
  html`${beginning}<span class="on-screen">${rest}</span><span class="on-paper">${more}</span>`

/** A section with its heading; none where it has nothing to say. */
export const section = (id: string, title: string, content: Content): Html =>
  html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`

export interface Column<T> {
  readonly title: string
  readonly of: (row: T) => Content
  /** `code`: text of a machine, such as hashes and paths; `whole`: not to be broken into lines. */
  readonly kind?: 'code' | 'whole'
}

/** A table that becomes a list of cards on a phone: each cell then says what it is. */
export function table<T>(caption: string, columns: readonly Column<T>[], rows: readonly T[]): Html {
  const cell = (row: T, { title, of, kind }: Column<T>) =>
    html`<td data-label="${title}"${kind === undefined ? '' : html` class="${kind}"`}><span>${of(row)}</span></td>`
  return html`<div class="scroll"><table><caption>${caption}</caption><thead><tr>${columns.map(
    ({ title }) => html`<th scope="col">${title}</th>`,
  )}</tr></thead><tbody>${rows.map(
    (row) => html`<tr>${columns.map((column) => cell(row, column))}</tr>`,
  )}</tbody></table></div>`
}
