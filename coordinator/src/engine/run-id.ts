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
