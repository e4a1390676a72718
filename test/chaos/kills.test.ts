import { mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { Broken, Player } from '../support/chaos/play.js'
import { type Round, Scripts } from '../support/chaos/script.js'
import { Tally } from '../support/chaos/tally.js'
import { undisturbed } from '../support/chaos/undisturbed.js'
import { clusterForTest } from '../support/simulated-cluster.js'

const { QUORATE_CHAOS_KILLS: kills = '50', QUORATE_CHAOS_SEED: given, QUORATE_CHAOS_REPLAY: replay } = process.env
const seed = Number(given ?? Date.now() % 1_000_000)

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
