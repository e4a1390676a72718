import { balanceServing, whileJoining } from '@quorate/coordinator/conversion/joining/control-plane-ready'
import t from 'tap'
import { PaperCluster, paperCall } from '../../../support/paper-cluster/cluster.js'

t.test('facts are remembered until they are forgotten: by node, or all', async (t) => {
  const run = new PaperCluster('v1.37.2').run()
  const [first, worker] = [await run.nodeFacts('k8smaster1.example.com'), await run.nodeFacts('k8sworker1.example.com')]
  const cluster = await run.clusterFacts()
  t.equal(await run.nodeFacts('k8smaster1.example.com'), first)
  run.refresh(['k8smaster1.example.com'])
  t.not(await run.nodeFacts('k8smaster1.example.com'), first, 'it was touched')
  t.not(await run.clusterFacts(), cluster, 'the cluster may always have changed')
  t.equal(await run.nodeFacts('k8sworker1.example.com'), worker, 'nobody touched it')
  run.refresh()
  t.not(await run.nodeFacts('k8sworker1.example.com'), worker)
})

t.test('a node is no backend while it still joins, even if it serves already', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  const names = async () => (await balanceServing(run, paperCall())).map(({ name }) => name)
  const before = await names()
  await whileJoining(run, run.first, async () => {
    await t.rejects(names(), { code: 'STEP_FAILED' }, 'the only one that serves is left out')
  })
  t.same(await names(), before)
})
