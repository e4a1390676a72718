import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { scenarios } from './all.js'

/** The last results of every trial; docs/compatibility.md shows them. */
const record = fileURLToPath(new URL('../../../docs/compatibility.json', import.meta.url))

interface TrialResult {
  readonly scenario: string
  readonly where: 'simulated' | 'real'
  readonly version: string
  readonly passed: boolean
  /** Seconds. */
  readonly took: number
}

const asked = process.env['QUORATE_SCENARIOS']?.split(/[\s,]+/)
const all = process.env['QUORATE_MATRIX'] === 'all'

function keep(result: TrialResult): void {
  const before = existsSync(record) ? (JSON.parse(readFileSync(record, 'utf8')) as TrialResult[]) : []
  const key = ({ scenario, where, version }: TrialResult) => `${scenario} ${where} ${version}`
  const kept = [...before.filter((one) => key(one) !== key(result)), result].sort((a, b) => (key(a) < key(b) ? -1 : 1))
  writeFileSync(record, `[\n${kept.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n]\n`)
}

/**
 * Tries the scenarios of one kind of lab: those of every run, or with QUORATE_MATRIX=all all of them, on all their releases, with the results
 * written down. QUORATE_SCENARIOS names some.
 */
export async function tryScenarios(where: 'simulated' | 'real'): Promise<void> {
  const wanted = scenarios.filter(({ id, everyRun }) =>
    asked === undefined ? all || everyRun === true : asked.includes(id),
  )
  for (const { id, title, [where]: trial } of wanted) {
    if (trial === undefined) continue
    for (const version of all ? trial.versions : trial.versions.slice(0, 1)) {
      const started = Date.now()
      await t.test(`${id} on ${where} nodes, ${version}: ${title}`, async (t) => {
        if (all)
          t.after(() =>
            keep({
              scenario: id,
              where,
              version,
              passed: t.passing(),
              took: Math.round((Date.now() - started) / 1000),
            }),
          )
        await trial.try(t, version)
      })
    }
  }
}
