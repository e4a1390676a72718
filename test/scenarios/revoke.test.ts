import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterForTest, ended } from '../support/simulated-cluster.js'

interface Said {
  readonly number: number
  readonly nodes: readonly {
    readonly name: string
    readonly state: string
    readonly denyList?: number
    readonly reachable: boolean
    readonly revoked?: boolean
    readonly problem?: { readonly code: string }
  }[]
  readonly error: { readonly code: string; readonly remedy: string }
}

const json = async (cluster: SimulatedCluster, args: readonly string[], state = cluster.stateFolder) => {
  const { exitCode, stdout, stderr } = await cluster.startQuorate([...args, '-o', 'json'], { state }).ended
  return { exitCode, said: JSON.parse(stdout || stderr) as Said }
}

const lists = ({ nodes }: Said) => Object.fromEntries(nodes.map(({ name, denyList }) => [name, denyList]))

t.test('keys are revoked on every node, also on one that was away; a new key works', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const [cp1, cp2, cp3, worker] = [cluster.node('cp1'), cluster.node('cp2'), cluster.node('cp3'), cluster.nodes.at(-1)]
  if (worker === undefined) throw new Error('there is no worker')
  const thief = mkdtempSync(join(tmpdir(), 'quorate-thief-'))
  t.teardown(() => rmSync(thief, { recursive: true, force: true }))
  const stolen = join(thief, 'state')
  cpSync(cluster.stateFolder, stolen, { recursive: true })

  t.match(await json(cluster, ['revoke', 'coordinator', '--yes']), {
    exitCode: 2,
    said: { error: { code: 'REVOKES_ITSELF' } },
  })
  t.equal((await json(cluster, ['nodes'], stolen)).exitCode, 0, 'a copy of the key works')

  // The coordinator's key: a new one first, and one node is away.
  ended(t, await cluster.quorate(['renew', 'coordinator', '--early']))
  await cluster.stopAgent(worker.name)
  const first = await json(cluster, ['revoke', 'coordinator', '--yes'])
  t.match(first, { exitCode: 3, said: { number: 1 } })
  t.same(
    first.said.nodes.map(({ name, state }) => [name, state]),
    first.said.nodes.map(({ name }) => [name, name === worker.name ? 'away' : 'has it']),
  )
  await cluster.startAgent(worker)
  const byThief = async () =>
    Object.fromEntries(
      (await json(cluster, ['nodes'], stolen)).said.nodes.map(({ name, problem }) => [name, problem?.code]),
    )
  t.match(await byThief(), { [cp1.name]: 'IDENTITY_REVOKED', [cp2.name]: 'IDENTITY_REVOKED', [worker.name]: undefined })
  ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]), 7)
  t.match(await byThief(), { [worker.name]: 'IDENTITY_REVOKED' }, 'any command that reads of a node gives it the list')
  const after = await json(cluster, ['nodes'])
  t.equal(after.exitCode, 0)
  t.same(lists(after.said), { [cp1.name]: 1, [cp2.name]: 1, [cp3.name]: 1, [worker.name]: 1 })
  t.match(
    await json(cluster, ['revoke', 'coordinator', '--yes']),
    { exitCode: 0, said: { number: 1 } },
    'once is enough',
  )

  // A state folder from before knows nothing of it: it takes over what the nodes have.
  const before = mkdtempSync(join(tmpdir(), 'quorate-before-'))
  t.teardown(() => rmSync(before, { recursive: true, force: true }))
  cpSync(cluster.stateFolder, join(before, 'state'), { recursive: true })

  // A node's key: it is no longer talked to, and comes back with another.
  const second = await json(cluster, ['revoke', cp2.name, '--yes'])
  t.match(second, { exitCode: 0, said: { number: 2 } })
  t.same(second.said.nodes.find(({ state }) => state !== 'has it')?.name, cp2.name)
  const without = await json(cluster, ['nodes'])
  t.equal(without.exitCode, 3)
  t.match(without.said.nodes[1], {
    name: cp2.name,
    reachable: false,
    revoked: true,
    problem: { code: 'NODE_REVOKED' },
  })
  const plan = await cluster.quorate(['plan', '-f', cluster.clusterFile])
  ended(t, plan, 3)
  t.match(plan.stdout, /agent-untrusted/)
  const crt = join(cluster.bundleFolder(worker.name), 'node.crt')
  const third = await json(cluster, ['revoke', '--certificate', crt, '--yes'], join(before, 'state'))
  t.match(third, { exitCode: 0, said: { number: 3 } }, 'the number goes on from what the nodes have')
  for (const node of [cp2, worker]) {
    await cluster.stopAgent(node.name)
    rmSync(cluster.bundleFolder(node.name), { recursive: true })
    await cluster.enrol(node)
    await cluster.startAgent(node)
  }
  const again = await json(cluster, ['nodes'])
  t.equal(again.exitCode, 0, 'keys are revoked, not names')
  t.same(lists(again.said), { [cp1.name]: 3, [cp2.name]: 2, [cp3.name]: 3, [worker.name]: 2 })
  t.match(await json(cluster, ['revoke', 'nobody', '--yes']), { exitCode: 2, said: { error: { code: 'USAGE' } } })
  t.match(await json(cluster, ['revoke', '--certificate', join(cluster.stateFolder, 'fleet/ca.crt'), '--yes']), {
    exitCode: 2,
    said: { error: { code: 'USAGE' } },
  })
  t.match(readFileSync(join(cp1.root, 'var/lib/quorate-agent/calls.jsonl'), 'utf8'), /"outcome":"IDENTITY_REVOKED"/)
})
