import t from 'tap'
import { scenarios } from '../support/matrix/all.js'

t.test('every scenario is tried somewhere, and says something to who has such a cluster', async (t) => {
  t.equal(new Set(scenarios.map(({ id }) => id)).size, scenarios.length, 'ids differ')
  for (const { id, note, simulated, real } of scenarios) {
    t.ok(simulated ?? real, `${id} is tried`)
    t.match(note, /^[A-Z].*\.$/, `${id} has a sentence`)
  }
})
