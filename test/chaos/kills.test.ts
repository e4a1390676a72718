import { mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterState } from '../support/chaos/cluster-state.js'
import { live, said } from '../support/chaos/killed-cluster.js'
import { placesOf } from '../support/chaos/places.js'
import { Broken, Player, runsOf, type States } from '../support/chaos/play.js'
import { type Places, type Round, Scripts } from '../support/chaos/script.js'
import { Tally } from '../support/chaos/tally.js'
import { clusterForTest } from '../support/simulated-cluster.js'

const { QUORATE_CHAOS_KILLS: kills = '50', QUORATE_CHAOS_SEED: given, QUORATE_CHAOS_REPLAY: replay } = process.env
const seed = Number(given ?? Date.now() % 1_000_000)

/** One conversion and its way back that nobody disturbs: what the others are held against. */
async function undisturbed(cluster: SimulatedCluster): Promise<{ states: States; places: Places }> {
  const before = await clusterState(cluster)
  const secretsBefore = await cluster.control.ask<string[]>('secretsMade')
  const must = async (args: readonly string[]) => {
    const lived = await live(cluster, args)
    if (lived.exitCode !== 0) throw new Error(`undisturbed ${args.join(' ')}: ${said(lived)}`)
  }
  await must(['convert', '-f', cluster.clusterFile, '--yes'])
  const converted = await clusterState(cluster)
  const run = runsOf(cluster).at(-1) ?? ''
  const forward = placesOf(cluster, run)
  await must(['rollback', run, '--yes'])
  const known = new Set(forward.map(({ who, record }) => `${who} ${record}`))
  const back = placesOf(cluster, run).filter(({ who, record }) => !known.has(`${who} ${record}`))
  return { states: { before, converted, secretsBefore }, places: { forward, back } }
}

t.test(`kill -9 of coordinator, agents and nodes (QUORATE_CHAOS_SEED=${seed})`, async (t) => {
  const tally = new Tally(seed)
  let cluster = await clusterForTest(t, { workers: 1 })
  let { states, places } = await undisturbed(cluster)
  const scripts = new Scripts(
    seed,
    places,
    cluster.nodes.map(({ name }) => name),
  )
  tally.places = places.forward.length + places.back.length
  while (tally.kills < (replay === undefined ? Number(kills) : 1)) {
    const round = replay === undefined ? scripts.next() : (JSON.parse(replay) as Round)
    try {
      const { killed, resumeMs } = await new Player(cluster, states).play(round)
      for (const kill of killed) scripts.note(kill)
      tally.note(killed, resumeMs)
    } catch (error) {
      tally.noteBroken(error instanceof Broken ? error : new Broken('lost', String(error), []))
      t.fail(
        `${(error as Error).message}\nagain: QUORATE_CHAOS_REPLAY='${JSON.stringify(round)}' npx tap test/chaos/kills.test.ts`,
      )
      if (replay !== undefined) break
      await cluster.stop()
      cluster = await clusterForTest(t, { workers: 1 })
      ;({ states, places } = await undisturbed(cluster))
    }
    if (replay !== undefined) break
  }
  tally.placesLeft = scripts.left().length
  t.comment(tally.line())
  mkdirSync('out', { recursive: true })
  writeFileSync('out/chaos.json', `${JSON.stringify(tally.numbers(), undefined, 2)}\n`)
  t.equal(tally.doubleExecutions, 0, 'nothing was done twice')
  t.equal(tally.lostRuns, 0, 'no run was lost')
})
