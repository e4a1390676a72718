import { readClusterFile } from '@quorate/coordinator/config/read-cluster-file'
import { openSession } from '@quorate/coordinator/open-session'
import { planConversion } from '@quorate/coordinator/runs/plan'
import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'
import { clusterForTest } from '../support/simulated-cluster.js'
import { findingsAbout, judge } from './any-text/judge.js'
import { mutationsBy } from './any-text/mutations.js'
import { type Target, targetsIn } from './any-text/put.js'

/** `all`: every text alone with everything that may become of it, an hour; else so many rounds, in each of which every text is another. */
const wish = process.env['QUORATE_TEXTS'] ?? '8'
const seed = Number(process.env['QUORATE_TEXTS_SEED'] ?? 1)
/** Only texts that have this in their name. */
const only = process.env['QUORATE_TEXTS_OF'] ?? ''
const mutations = Object.entries(mutationsBy(seed))

interface Damage {
  readonly target: Target
  readonly mutation: (typeof mutations)[number]
}

/** Other mutations for each place in each round, all of them in the end. */
function damages(targets: readonly Target[], round: number): readonly Damage[] {
  return targets.map((target, index) => {
    const at = (seed + round * 5 + index * 7) % mutations.length
    return { target, mutation: mutations[at] as Damage['mutation'] }
  })
}

/** What is damaged at the same time. Without one of the first nothing is known of the cluster: those are damaged alone. */
function rounds(targets: readonly Target[]): readonly (readonly Damage[])[] {
  if (wish === 'all') return targets.flatMap((target) => mutations.map((mutation) => [{ target, mutation }]))
  const times = Array.from({ length: Number(wish) }, (_, round) => round)
  const of = (...needs: readonly Target['need'][]) => targets.filter(({ need }) => needs.includes(need))
  return [
    ...times.flatMap((round) => [damages(of('needed', 'of a user'), round), damages(of('helpful'), round)]),
    ...times.map((round) => damages(of('first'), round).slice(round % 6, (round % 6) + 1)),
  ]
}

t.test('a plan says what it cannot read, whatever stands there', { timeout: 7_200_000 }, async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const { file } = await readClusterFile(cluster.clusterFile)
  const session = await openSession(cluster.stateFolder)
  const judged = () => judge(() => planConversion(session, file))
  /** A machine that does other things at the same time has a slow disk. */
  const sound = () =>
    until(
      'the sound cluster',
      async () => {
        const { plan, faults } = await judged()
        const found = plan?.findings.filter(({ id, severity }) => severity !== 'info' && id !== 'disk-latency')
        return faults.length === 0 && found?.length === 0 ? holds(true) : notYet(JSON.stringify([faults, found]))
      },
      { deadlineMs: 60_000, everyMs: 200 },
    )
  await sound()
  const targets = (await targetsIn(cluster)).filter(({ title }) => title.includes(only))
  const tried = rounds(targets).filter((damaged) => damaged.length > 0)
  let texts = 0
  for (const damaged of tried) {
    const names = damaged.map(({ target, mutation: [what] }) => `${target.title}: ${what}`)
    await t.test(names.length === 1 ? (names[0] ?? '') : `${names.length} texts at once`, async (t) => {
      const told: Target[] = []
      // Objects first: with another certificate the simulated API server answers nobody.
      for (const { target, mutation } of [...damaged].reverse()) if (await target.put(mutation[1])) told.push(target)
      texts += damaged.length
      const { exitCode, plan, faults } = await judged()
      t.ok([0, 2, 3].includes(exitCode), `exit code ${exitCode}`, { names })
      t.same(faults, [], 'no words of a defect', { names })
      for (const { title, about } of told) {
        const found = plan === undefined ? [] : findingsAbout(plan, about)
        t.equal(found.length, 1, `${title}: one finding with its place, line and what to type`, {
          names,
          findings: plan?.findings.map(({ id, node, message, evidence }) =>
            [id, node, message, evidence].join(' | ').slice(0, 400),
          ),
        })
      }
      for (const { target } of damaged) await target.restore()
      if (damaged.some(({ target: { need } }) => need === 'first')) await sound()
    })
  }
  await sound()
  t.comment(`${tried.length} plans, ${texts} texts damaged, seed ${seed}`)
})
