import { type Content, type Html, html } from './markup.js'

/** The colour of a state or severity; the word is always shown too. */
export type Tone = 'good' | 'bad' | 'warn' | 'plain'

export const badge = (tone: Tone, word: string): Html => html`<span class="badge ${tone}">${word}</span>`

/** Text of which paper shows only the beginning; the screen shows all of it, and so does the JSON report. */
export const shortOnPaper = (beginning: Content, rest: Content, more: string): Html =>
  html`${beginning}<span class="on-screen">${rest}</span><span class="on-paper">${more}</span>`

/** A section with its heading. */
export const section = (id: string, title: string, content: Content): Html =>
  html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`

export interface Column<T> {
  readonly title: string
  readonly of: (row: T) => Content
  /** `code`: hashes, paths and the like; `whole`: never wrapped. */
  readonly kind?: 'code' | 'whole'
}

/** A table that becomes a list of cards on a phone, each cell with its label. */
export function table<T>(caption: string, columns: readonly Column<T>[], rows: readonly T[]): Html {
  const cell = (row: T, { title, of, kind }: Column<T>) =>
    html`<td data-label="${title}"${kind === undefined ? '' : html` class="${kind}"`}><span>${of(row)}</span></td>`
  return html`<div class="scroll"><table><caption>${caption}</caption><thead><tr>${columns.map(
    ({ title }) => html`<th scope="col">${title}</th>`,
  )}</tr></thead><tbody>${rows.map(
    (row) => html`<tr>${columns.map((column) => cell(row, column))}</tr>`,
  )}</tbody></table></div>`
}
