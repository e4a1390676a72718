import t from 'tap'
import { compatibilityPage } from '../../docs-pages/compatibility-page.js'
import { scenarios } from '../matrix/all.js'

t.test('every scenario is tried somewhere, and says something to who has such a cluster', async (t) => {
  t.equal(new Set(scenarios.map(({ id }) => id)).size, scenarios.length, 'ids differ')
  for (const { id, note, simulated, real } of scenarios) {
    t.ok(simulated ?? real, `${id} is tried`)
    t.match(note, /^[A-Za-z].*\.$/, `${id} has a sentence`)
  }
})

t.test('the page says of each trial how it ended last, or that there was none', async (t) => {
  const versions = scenarios.flatMap(({ simulated, real }) =>
    [simulated, real].flatMap((trial) => trial?.versions ?? []),
  )
  const cells = (text: string) =>
    text.split('\n').flatMap((line) => line.split(' | ').filter((cell) => / v1\./.test(cell)))
  const nothing = cells(compatibilityPage([])).join('; ')
  t.notMatch(nothing, /passed|failed/)
  t.match(nothing, /not tried yet: v1\.37\.2/)
  t.same(nothing.match(/v1\.\d+\.\d+/g)?.sort(), [...versions].sort(), 'each release of each trial is there')
  const one = { scenario: 'versions', where: 'simulated', took: 1 } as const
  const page = compatibilityPage([
    { ...one, version: 'v1.37.2', passed: true },
    { ...one, version: 'v1.30.4', passed: false },
    { ...one, version: 'v1.2.3', passed: true },
  ])
  t.match(page, /passed: v1\.37\.2; failed: v1\.30\.4; not tried yet: v1\.28\.15, v1\.29\.6, v1\.31\.14/)
  t.notMatch(page, 'v1.2.3')
})
