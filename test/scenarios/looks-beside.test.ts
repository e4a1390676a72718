import t from 'tap'
import { lookBeside } from '../support/looks.js'
import { clusterForTest, ended, runOf } from '../support/simulated-cluster.js'

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
