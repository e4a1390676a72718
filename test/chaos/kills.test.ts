import { mkdirSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { clusterForTest } from '../support/simulated-cluster.js'
import { Broken, Player } from './parts/play.js'
import { type Round, Scripts } from './parts/script.js'
import { Tally } from './parts/tally.js'
import { undisturbed } from './parts/undisturbed.js'

const { QUORATE_CHAOS_KILLS: wanted = '50', QUORATE_CHAOS_SEED: given, QUORATE_CHAOS_REPLAY: replay } = process.env
const seed = Number(given ?? Date.now() % 1_000_000)
/** With more there is something to mend first. */
const mostBroken = 5

/** A cluster, what it looks like before and after, and where its records are. */
async function subject(t: Test) {
  const cluster = await clusterForTest(t, { workers: 1 })
  return { cluster, ...(await undisturbed(cluster)) }
}

const again = (round: Round): string =>
  `again: QUORATE_CHAOS_REPLAY='${JSON.stringify(round)}' npx tap test/chaos/kills.test.ts`

function write(tally: Tally): void {
  mkdirSync('out', { recursive: true })
  writeFileSync('out/chaos.json', `${JSON.stringify(tally.numbers(), undefined, 2)}\n`)
}

t.test(`kill -9 of coordinator, agents and nodes (QUORATE_CHAOS_SEED=${seed})`, async (t) => {
  const tally = new Tally(seed)
  let { cluster, states, places } = await subject(t)
  const names = cluster.nodes.map(({ name }) => name)
  const scripts = new Scripts(seed, places, names)
  tally.places = places.forward.length + places.back.length
  let broken = 0
  while (tally.kills < Number(wanted) && broken < mostBroken) {
    const round = replay === undefined ? scripts.next() : (JSON.parse(replay) as Round)
    try {
      const { killed, resumeMs } = await new Player(cluster, states).play(round)
      for (const kill of killed) scripts.note(kill)
      tally.note(killed, resumeMs)
    } catch (error) {
      broken++
      tally.noteBroken(error instanceof Broken ? error : new Broken('lost', String(error), []))
      t.fail(`${(error as Error).message}\n${again(round)}`)
    }
    tally.placesLeft = scripts.left().length
    write(tally)
    if (replay !== undefined) break
    if (broken === 0 || tally.lastHeld) continue
    await cluster.stop()
    ;({ cluster, states } = await subject(t))
  }
  t.comment(tally.line())
  t.equal(tally.doubleExecutions, 0, 'nothing was done twice')
  t.equal(tally.lostRuns, 0, 'no run was lost')
})
