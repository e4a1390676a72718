import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The last results of every trial; docs/compatibility.md shows them. */
const record = fileURLToPath(new URL('../../docs/compatibility.json', import.meta.url))

export interface TrialResult {
  readonly scenario: string
  readonly where: 'simulated' | 'real'
  readonly version: string
  readonly passed: boolean
  /** Seconds. */
  readonly took: number
}

/** None where nothing was ever tried. */
export function lastResults(): readonly TrialResult[] {
  return existsSync(record) ? (JSON.parse(readFileSync(record, 'utf8')) as TrialResult[]) : []
}

/** Takes the place of the last result of the same trial. */
export function keepResult(result: TrialResult): void {
  const key = ({ scenario, where, version }: TrialResult) => `${scenario} ${where} ${version}`
  const kept = [...lastResults().filter((one) => key(one) !== key(result)), result].sort((a, b) =>
    key(a) < key(b) ? -1 : 1,
  )
  writeFileSync(record, `[\n${kept.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n]\n`)
}
