import type { RunReport } from '../schema.js'
import { type Way, waysOf } from '../ways.js'
import { counted, duration, shortNames } from '../words.js'
import { anchor, mark, percent, strip } from './bars.js'
import { type Html, html } from './markup.js'
import type { Span, TimeScale } from './scale.js'

/** What clients of the API saw, one lane per way to it. */
export function lanes(report: RunReport, scale: TimeScale): Html {
  const ways = waysOf(report)
  if (ways.length === 0) return html`<p class="faint">Not measured in this run.</p>`
  const short = shortNames(report.site?.nodes.map(({ name }) => name) ?? [])
  return html`<ul>${ways.map((way) => lane(way, scale, short))}</ul>`
}

function lane(way: Way, scale: TimeScale, short: (name: string) => string): Html {
  const { target, places, records } = way
  const name = way.name.replace(target, short(target))
  const outages = records.flatMap(({ outages: all }) => all)
  const longest = outages.filter(({ from, to }) => to > from).toSorted((a, b) => b.to - b.from - (a.to - a.from))[0]
  const watched = records.filter(({ asked }) => asked > 0)
  const drawn = html`${watched.map((one) => mark(one, scale, { y: -3, height: 6, kind: 'up' }))}${outages.map((one) =>
    mark(one, scale, { y: -8, height: 16, kind: 'outage' }),
  )}${longest === undefined ? '' : gapLabel(longest, scale)}`
  const from = places.map(short).join(', ')
  return html`<li class="row"><span class="label">${name}<small>asked from ${from}</small></span>${strip(`${name}: ${inWords(way)}`, scale, drawn)}${numbers(way)}</li>`
}

function numbers({ asked, failed, longestGapMs, records }: Way): Html {
  if (asked === 0) return html`<span class="value faint">could not be observed</span>`
  const during = records.find((one) => one.longestGapMs === longestGapMs)?.during
  const gap = `longest gap ${duration(longestGapMs)}${during === undefined ? '' : `, in ${during}`}`
  return html`<span class="value ${failed === 0 ? 'good' : 'bad'}">${counted(failed)} of ${counted(asked)} failed<small>${gap}</small></span>`
}

const inWords = ({ asked, failed, longestGapMs }: Way): string =>
  asked === 0
    ? 'could not be observed'
    : `${counted(asked)} requests, ${counted(failed)} failed, longest gap ${duration(longestGapMs)}`

function gapLabel({ from, to }: Span, scale: TimeScale): Html {
  const at = scale.at((from + to) / 2)
  return html`<text class="gap" x="${percent(at)}" y="-12" text-anchor="${anchor(at)}">${duration(to - from)}</text>`
}
