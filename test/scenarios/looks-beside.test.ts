import t, { type Test } from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterForTest, ended, runOf } from '../support/simulated-cluster.js'

/** What a colleague types; each with the exit codes that are an answer while a run is on its way. */
const looks = (cluster: SimulatedCluster): readonly (readonly [readonly string[], readonly number[]])[] => [
  [
    ['plan', '-f', cluster.clusterFile],
    [0, 3],
  ],
  [
    ['verify', '-f', cluster.clusterFile],
    [0, 7],
  ],
  [['nodes'], [0]],
  [
    ['backends', '-f', cluster.clusterFile],
    [0, 7],
  ],
  [['status'], [0]],
]

/** One look after the other until what runs has ended, each of them at least once; how many. */
async function lookBeside(t: Test, cluster: SimulatedCluster, run: Promise<unknown>): Promise<number> {
  let [over, times] = [false, 0]
  void run.finally(() => {
    over = true
  })
  for (const all = looks(cluster); !over || times < all.length; times += 1) {
    const [args, codes] = all[times % all.length] as (typeof all)[number]
    const { exitCode, stdout, stderr } = await cluster.quorate(args)
    if (!codes.includes(exitCode)) t.fail(`${args.join(' ')} ended with ${exitCode}`, { stdout, stderr })
  }
  return times
}

t.test('looking beside a conversion, a drill and an undo disturbs none of them', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  let converted = ''
  for (const args of [
    () => ['convert', '-f', cluster.clusterFile, '--yes'],
    () => ['drill', '-f', cluster.clusterFile, '--down-for', '3', '--yes', '--i-know-this-takes-parts-down'],
    () => ['rollback', converted, '--yes'],
  ]) {
    const running = cluster.quorate(args())
    const times = await lookBeside(t, cluster, running)
    ended(t, await running)
    converted ||= runOf(cluster)
    t.comment(`${args()[0]}: looked ${times} times`)
  }
})
