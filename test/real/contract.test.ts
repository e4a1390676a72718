/** What the simulated cluster is held to (test/integration/lab-contract.test.ts), asked of real nodes: when they differ, the real ones are right. */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { labForTest, realVersions } from '../support/real-lab.js'

const inside = fileURLToPath(new URL('contract-inside.ts', import.meta.url))

for (const version of realVersions) {
  t.test(`real nodes of ${version} keep the contract`, async (t) => {
    const lab = await labForTest(t, version, { agents: false, workers: 1 })
    const [file, argv] = lab.network.within([
      process.execPath,
      '--import=tsx',
      '--conditions=@quorate/source',
      inside,
      lab.name,
    ])
    await t.spawn(file, argv, {}, version)
  })
}
