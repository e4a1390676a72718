import { randomBytes } from 'node:crypto'
import { parseRunId, type RunId } from '@quorate/shared/names'

/** `20261122t221530-ab12cd`: UTC of the start, so that names sort by time, and 24 random bits. `now` in unix milliseconds. */
export function newRunId(now: number): RunId {
  const stamp = new Date(now)
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[-:]/g, '')
    .toLowerCase()
  return parseRunId(`${stamp}-${randomBytes(3).toString('hex')}`)
}

/** Start time of a run, from its id alone; Unix milliseconds. */
export function startOf(id: RunId): number {
  const [, date, time] = /^(\d{8})t(\d{6})-/.exec(id) ?? []
  const parts = `${date}${time}`.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6Z')
  return Date.parse(parts)
}
