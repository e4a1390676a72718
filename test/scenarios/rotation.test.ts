import { cpSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { certificatesIn } from '@quorate/shared/fleet-chain'
import t, { type Test } from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterForTest, ended } from '../support/simulated-cluster.js'

const rootsIn = (path: string): readonly string[] =>
  certificatesIn(readFileSync(path, 'utf8')).map(({ fingerprint256 }) => fingerprint256)

/** What the coordinator and each node trust: fingerprints, the newer first. */
function trusted(cluster: SimulatedCluster): Record<string, readonly string[]> {
  const own = ['coordinator', rootsIn(join(cluster.stateFolder, 'fleet', 'ca.crt'))] as const
  const ofNodes = cluster.nodes.map(
    ({ name, root }) => [name, rootsIn(join(root, 'etc/quorate/fleet-ca.crt'))] as const,
  )
  return Object.fromEntries([own, ...ofNodes])
}

const all = (cluster: SimulatedCluster, ...roots: readonly string[]) =>
  Object.fromEntries(['coordinator', ...cluster.nodes.map(({ name }) => name)].map((name) => [name, roots]))

async function everyNodeAnswers(t: Test, cluster: SimulatedCluster, when: string): Promise<void> {
  const { stdout, stderr } = await cluster.quorate(['nodes', '-o', 'json'])
  if (!stdout.startsWith('{')) return t.fail(when, { stdout, stderr }) as never
  const { nodes } = JSON.parse(stdout)
  t.same(
    nodes.flatMap(({ name, reachable }: { name: string; reachable: boolean }) =>
      reachable || name.startsWith('gone.') ? [] : [name],
    ),
    [],
    when,
  )
}

t.test('another root takes over, is undone, takes over again, and the one of before is given up', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const quorate = (...args: string[]) => cluster.quorate(args)
  const [first = ''] = rootsIn(join(cluster.stateFolder, 'fleet', 'ca.crt'))
  // A list of revoked keys: what signed it goes too.
  await quorate('enroll', 'gone.example.com', '--address', '127.0.0.9', '--bundle', join(t.testdir(), 'gone'))
  const silent = await quorate('root', 'rotate', '--yes')
  ended(t, silent, 3)
  t.match(silent.stderr, /1 node cannot take part: gone\.example\.com/)
  t.strictSame(trusted(cluster), all(cluster, first), 'nothing was started')
  ended(t, await quorate('revoke', 'gone.example.com', '--yes'), 3)
  ended(t, await quorate('identity', 'issue', 'alice', '--role', 'observer', '--to', join(t.testdir(), 'alice')))
  const before = join(t.testdir({}), 'state-of-before')
  cpSync(cluster.stateFolder, before, { recursive: true })

  const firstNode = async (state: string) =>
    JSON.parse((await cluster.startQuorate(['nodes', '-o', 'json'], { state }).ended).stdout).nodes.find(
      ({ name }: { name: string }) => name === cluster.node('cp1').name,
    )

  ended(t, await quorate('root', 'retire', '--yes'), 2)
  const rotated = await quorate('root', 'rotate', '--yes')
  ended(t, rotated)
  t.match(rotated.stdout, /Trust both roots/)
  t.match(rotated.stdout, /quorate root retire/)
  const [second = ''] = rootsIn(join(cluster.stateFolder, 'fleet', 'ca.crt'))
  t.not(second, first)
  t.strictSame(trusted(cluster), all(cluster, second, first))
  await everyNodeAnswers(t, cluster, 'both roots count')
  t.match((await quorate('root', 'show')).stdout, /rotation: since .*both roots count/)
  ended(t, await quorate('root', 'rotate', '--yes'), 0)

  const undone = await quorate('root', 'rotate', '--undo', '--yes')
  ended(t, undone)
  t.match(undone.stdout, /\[ 4\/4\] renew-nodes: .*: undone: .* below the root of before alone/)
  t.strictSame(trusted(cluster), all(cluster, first), 'as before')
  await everyNodeAnswers(t, cluster, 'undone')
  ended(t, await quorate('root', 'rotate', '--undo', '--yes'), 2)
  for (const name of ['ca.key', 'issuer.pem'])
    t.equal(read(cluster.stateFolder, name), read(before, name), `${name} is that of before`)

  ended(t, await quorate('root', 'rotate', '--yes'))
  const [third = ''] = rootsIn(join(cluster.stateFolder, 'fleet', 'ca.crt'))
  const retired = await quorate('root', 'retire', '--yes')
  ended(t, retired)
  t.match(retired.stdout, /alice \(observer/, 'whose certificate ends is told')
  t.strictSame(trusted(cluster), all(cluster, third))
  await everyNodeAnswers(t, cluster, 'one root is left')
  t.match((await quorate('root', 'show')).stdout, /^root key: .*without a passphrase\nissuer: .*\n$/)
  ended(t, await quorate('root', 'rotate', '--undo', '--yes'), 2)

  t.match(await firstNode(before), { reachable: false }, 'a copy of the state folder of before is of no use')
  const cp1 = cluster.node('cp1').name
  await cluster.stopAgent(cp1)
  await cluster.startAgent(cluster.node('cp1'))
  await everyNodeAnswers(t, cluster, 'an agent that restarts trusts the next root, and has the list of revoked keys')
  t.match((await quorate('nodes')).stdout, /gone/)
  ended(t, await quorate('convert', '-f', cluster.clusterFile, '--yes'))
})

const read = (state: string, name: string): string => readFileSync(join(state, 'fleet', name), 'utf8')

/** Commands started from now on die before their nth write of what a fleet is; 0: they live. */
function dieBefore(cluster: SimulatedCluster, nth: number): void {
  const program = pathToFileURL(resolve('test/support/die-before-write.mjs')).href
  cluster.env = nth === 0 ? {} : { NODE_OPTIONS: `--import=${program}`, QUORATE_TEST_DIES_BEFORE: `${nth}` }
}

t.test(
  'a rotation, its undo and its end die before each of their writes, and the same command finishes each',
  async (t) => {
    const cluster = await clusterForTest(t, { workers: 0 })
    const roots = () => rootsIn(join(cluster.stateFolder, 'fleet', 'ca.crt'))
    const [first = ''] = roots()
    const [rotate, undo, retire] = [
      ['root', 'rotate', '--yes'],
      ['root', 'rotate', '--undo', '--yes'],
      ['root', 'retire', '--yes'],
    ]
    /** Whether it died. What was issued holds in that moment, and the command goes through when it is given again. */
    async function dies(args: readonly string[], nth: number): Promise<boolean> {
      dieBefore(cluster, nth)
      const { exitCode, stderr } = await cluster.quorate(args)
      dieBefore(cluster, 0)
      if (exitCode === 0) return false
      t.equal(exitCode, 128, `${args.join(' ')} dies before its write ${nth}: ${stderr}`)
      await everyNodeAnswers(t, cluster, `${args.join(' ')} died before its write ${nth}`)
      const again = await cluster.quorate(args)
      // Dead after all was done and before it was told: then nothing is left to undo.
      if (again.exitCode !== 0) t.match(again.stderr, /no rotation of the root is under way|has not taken over/)
      return true
    }
    const times = { rotate: 0, undo: 0, retire: 0 }
    for (let nth = 1, goesOn = true; goesOn && nth < 40; nth++) {
      goesOn = false
      if (await dies(rotate, nth)) [times.rotate, goesOn] = [nth, true]
      t.equal(roots().length, 2)
      if (await dies(undo, nth)) [times.undo, goesOn] = [nth, true]
      t.same(roots(), [first], 'undone')
    }
    for (let nth = 1, goesOn = true; goesOn && nth < 40; nth++) {
      const before = roots()
      ended(t, await cluster.quorate(rotate))
      goesOn = await dies(retire, nth)
      if (goesOn) times.retire = nth
      t.equal(roots().length, 1)
      t.notSame(roots(), before, 'the one of before is given up')
    }
    t.comment(times)
    t.ok(times.rotate >= 10 && times.undo >= 10 && times.retire >= 2, 'it did die')
  },
)

t.test('a root key under a passphrase signs the next one, which gets its own', async (t) => {
  const cluster = await clusterForTest(t, { workers: 0 })
  const folder = t.testdir({
    old: 'correct horse battery\n',
    next: 'staple correct horse\n',
    wrong: 'not this at all\n',
  })
  const [old, next, wrong] = ['old', 'next', 'wrong'].map((name) => [
    '--passphrase-file',
    join(folder, name),
  ]) as string[][]
  const nextFile = ['--new-passphrase-file', join(folder, 'next')]
  ended(t, await cluster.quorate(['root', 'protect', ...(old ?? [])]))
  for (const given of [[], wrong ?? []])
    ended(t, await cluster.quorate(['root', 'rotate', '--yes', ...given, ...nextFile]), 2)
  ended(t, await cluster.quorate(['root', 'rotate', '--yes', ...(old ?? [])]), 2)
  ended(t, await cluster.quorate(['root', 'rotate', '--yes', ...(old ?? []), ...nextFile]))
  ended(t, await cluster.quorate(['root', 'retire', '--yes']))
  ended(t, await cluster.quorate(['renew', 'issuer', '--early', ...(old ?? [])]), 3)
  ended(t, await cluster.quorate(['renew', 'issuer', '--early', ...(next ?? [])]))
  t.match((await cluster.quorate(['root', 'show'])).stdout, /under a passphrase/)
})
