import { type Html, html } from './markup.js'
import type { Span, TimeScale } from './scale.js'

// Positions are in percent and nothing is scaled, so text and strokes keep their size from phone to paper.

export const axis = ({ ticks }: TimeScale): Html =>
  html`<svg class="scale">${ticks.map(
    ({ at, label }) => html`<text x="${percent(at)}" y="12" text-anchor="${anchor(at)}">${label}</text>`,
  )}</svg>`

/** Lines behind the bars that lead down to what clients saw at the same time, and the pauses. */
export const grid = ({ ticks, breaks }: TimeScale): Html =>
  html`${ticks.map(({ at }) => upright('grid', at))}${breaks.map(
    ({ at, width }) =>
      html`<rect class="pause" x="${percent(at)}" y="0" width="${percent(width)}" height="100%"/>${upright('break', at)}${upright('break', at + width)}`,
  )}`

const upright = (kind: string, at: number): Html =>
  html`<line class="${kind}" x1="${percent(at)}" x2="${percent(at)}" y1="0" y2="100%"/>`

/** Where something failed. */
export const cross = (at: number): Html =>
  html`<svg x="${percent(at)}"><path class="cross" d="M-5 -5L5 5M5 -5L-5 5"/></svg>`

export interface Shape {
  /** From the middle of its row. */
  readonly y: number
  readonly height: number
  readonly kind: string
}

/** A bar. A second one with a width in pixels keeps short spans visible. */
export function mark({ from, to }: Span, scale: TimeScale, { y, height, kind }: Shape): Html {
  const [left, right] = [scale.at(from), scale.at(to)]
  const rect = (width: string) =>
    html`<rect class="bar ${kind}" x="${percent(Math.min(left, 99.5))}" y="${y}" width="${width}" height="${height}" rx="2"/>`
  return html`${rect(percent(Math.max(0, right - left)))}${rect('3')}`
}

/** The drawing of a row, centred on its middle; its title says what it shows. */
export const strip = (title: string, scale: TimeScale, drawn: Html | string): Html =>
  html`<svg role="img"><title>${title}</title>${grid(scale)}<svg y="50%">${drawn}</svg></svg>`

/** The text anchor that keeps a text at that place inside the drawing. */
export const anchor = (at: number): string => (at < 6 ? 'start' : at > 94 ? 'end' : 'middle')
export const percent = (value: number): string => `${Math.round(value * 100) / 100}%`
