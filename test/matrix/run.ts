import t from 'tap'
import { share } from '../support/share.js'
import { scenarios } from './all.js'
import { keepResult } from './results.js'

const asked = process.env['QUORATE_SCENARIOS']?.split(/[\s,]+/)
const askedVersions = process.env['QUORATE_VERSIONS']?.split(/[\s,]+/)
const all = process.env['QUORATE_MATRIX'] === 'all'

/**
 * Tries the scenarios of one kind of lab: those of every run, or with QUORATE_MATRIX=all all of them, on all their releases, with the results
 * written down. QUORATE_SCENARIOS names some, QUORATE_VERSIONS some releases.
 */
export async function tryScenarios(where: 'simulated' | 'real'): Promise<void> {
  const ofEveryRun = share(scenarios.filter(({ everyRun }) => everyRun === true))
  const chosen = all ? scenarios : ofEveryRun
  const wanted = asked === undefined ? chosen : scenarios.filter(({ id }) => asked.includes(id))
  for (const { id, title, [where]: trial } of wanted) {
    if (trial === undefined) continue
    for (const version of all ? trial.versions : trial.versions.slice(0, 1)) {
      if (askedVersions?.includes(version) === false) continue
      const started = Date.now()
      await t.test(`${id} on ${where} nodes, ${version}: ${title}`, async (t) => {
        if (all)
          t.after(() =>
            keepResult({
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
