import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterForTest, ended, runOf } from '../support/simulated-cluster.js'

interface Said {
  readonly identities: readonly { readonly whose: string; readonly state: string; readonly until: string }[]
  readonly nodes: readonly { readonly name: string; readonly certificateExpiresAt: string }[]
}

const json = async (cluster: SimulatedCluster, ...args: string[]) => {
  const { exitCode, stdout } = await cluster.quorate([...args, '-o', 'json'])
  return { exitCode, said: JSON.parse(stdout) as Said }
}

t.test('certificates are renewed while agents serve, and hold after a restart and in a conversion', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const states = async (...args: string[]) =>
    (await json(cluster, 'renew', ...args)).said.identities.map(({ state }) => state)
  t.same(await states(), Array(5).fill('valid'), 'nothing is due')
  const before = (await json(cluster, 'nodes')).said.nodes

  // Somebody works meanwhile.
  let isOver = false
  const looking = (async () => {
    for (let times = 1; ; times++) {
      const looked = await cluster.quorate(['nodes'])
      if (looked.exitCode !== 0) t.fail('a look failed', { said: looked.stdout })
      if (isOver) return times
    }
  })()
  t.same(await states('--early'), Array(5).fill('renewed'))
  t.same(await states('--early', 'k8smaster1.example.com', 'coordinator'), ['renewed', 'renewed'], 'and once more')
  isOver = true
  t.ok((await looking) > 0)

  const after = (await json(cluster, 'nodes')).said.nodes
  for (const [index, { name, certificateExpiresAt }] of before.entries())
    t.ok(String(after[index]?.certificateExpiresAt) > certificateExpiresAt, name)

  const cp2 = cluster.node('cp2')
  await cluster.stopAgent(cp2.name)
  await cluster.startAgent(cp2)
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))

  await cluster.stopAgent(cp2.name)
  const away = await json(cluster, 'renew', '--early')
  t.equal(away.exitCode, 3)
  t.same(
    away.said.identities.filter(({ state }) => state === 'failed').map(({ whose }) => whose),
    [cp2.name],
    'a node that is away is named, the others are renewed',
  )
  await cluster.startAgent(cp2)
  t.same(await states('--early', cp2.name), ['renewed'])
  ended(t, await cluster.quorate(['rollback', runOf(cluster), '--yes']))
  ended(t, await cluster.quorate(['renew', 'nobody']), 2)
})
