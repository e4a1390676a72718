import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { members, serverIn } from '../support/conversion-assertions.js'
import { CoordinatorProcess } from '../support/coordinator-process.js'
import { clusterForTest, ended, journalOf } from '../support/simulated-cluster.js'

const endpoint = 'https://apiserver.example.com:8443'
const kubeletConf = '/etc/kubernetes/kubelet.conf'
const convert = (cluster: SimulatedCluster) => ['convert', '-f', cluster.clusterFile, '--yes']
const verify = (cluster: SimulatedCluster) => cluster.quorate(['verify', '-f', cluster.clusterFile])

/** Where a node's kube-proxy is connected, as its agent would see it. */
async function proxyPeers(cluster: SimulatedCluster, node: string): Promise<string> {
  const { stdout } = await cluster.sh(node, ['ss', '-Htnp'])
  return stdout
    .split('\n')
    .filter((line) => line.includes('"kube-proxy"'))
    .join('\n')
}

const runId = (said: string): string => /run (\d{8}t\d{6}-[a-z0-9]{6})/.exec(said)?.[1] ?? ''

t.test('a worker without an agent does not hold the conversion up; it follows when it is back', async (t) => {
  const cluster = await clusterForTest(t, { workers: 2 })
  const old = serverIn(cluster, 'w2', kubeletConf)
  await cluster.stopAgent(cluster.node('w2').name)

  const plan = await cluster.quorate(['plan', '-f', cluster.clusterFile])
  ended(t, plan)
  t.match(plan.stdout, /warning worker-missing on k8sworker2/)
  t.match(plan.stdout, /Missing workers\n {2}k8sworker2/)

  const converted = await cluster.quorate(convert(cluster))
  ended(t, converted)
  const run = runId(converted.stdout)
  t.match(converted.stdout, /NOT CONVERTED: k8sworker2/)
  t.equal((await members(cluster)).length, 3)
  t.equal(serverIn(cluster, 'w1', kubeletConf), endpoint)
  t.equal(serverIn(cluster, 'w2', kubeletConf), old, 'nothing was changed on it')
  t.match(await proxyPeers(cluster, 'w2'), /:6443/, 'its kube-proxy goes on by the old path')
  t.match(await proxyPeers(cluster, 'w1'), /:8443/)

  await t.test('while it is missing nobody says that all is well', async (t) => {
    const verified = await verify(cluster)
    ended(t, verified, 7)
    t.match(verified.stdout, new RegExp(`quorate resume ${run}`))
    t.match((await cluster.quorate(['status'])).stdout, /done, 1 missing/)
    t.match((await cluster.quorate(['status', run])).stdout, /k8sworker2\.example\.com since/)
    ended(t, await cluster.quorate(['resume', run]))
    t.match((await cluster.quorate(['status', run])).stdout, /k8sworker2\.example\.com since/, 'it still waits')
  })

  await t.test('it comes back, and resume does what waited and nothing else', async (t) => {
    await cluster.startAgent(cluster.node('w2'))
    const waiting = await verify(cluster)
    ended(t, waiting, 7)
    const before = journalOf(cluster).length
    const resumed = await cluster.quorate(['resume', run])
    ended(t, resumed)
    t.equal(serverIn(cluster, 'w2', kubeletConf), endpoint)
    t.match(await proxyPeers(cluster, 'w2'), /:8443/)
    t.notMatch(await proxyPeers(cluster, 'w2'), /:6443/)
    const sent = journalOf(cluster)
      .slice(before)
      .filter(({ kind }) => kind === 'operation-sent') as { step?: string; action?: unknown; method?: string }[]
    t.same(
      [...new Set(sent.map(({ step, action }) => `${step} ${action}`))],
      [
        'back-up-files k8sworker2.example.com',
        'update-kube-proxy k8sworker2.example.com',
        'rewrite-worker-kubeconfigs k8sworker2.example.com',
      ],
    )
    ended(t, await verify(cluster))
    t.notMatch((await cluster.quorate(['status'])).stdout, /missing/)
    const none = journalOf(cluster).length
    ended(t, await cluster.quorate(['resume', run]))
    t.equal(journalOf(cluster).length, none, 'nothing is left to go on with')
  })

  await t.test('a rollback waits for a worker that it has to touch, and not for one that it has not', async (t) => {
    await cluster.stopAgent(cluster.node('w2').name)
    const refused = await cluster.quorate(['rollback', run, '--yes'])
    ended(t, refused, 3)
    t.match(refused.stderr, /k8sworker2[\s\S]*nothing was started|nothing was started[\s\S]*k8sworker2/)
    ended(t, await cluster.quorate(['rollback', run, '--yes', '--keep-endpoint']))
    t.equal((await members(cluster)).length, 1)
    t.equal(serverIn(cluster, 'w1', kubeletConf), endpoint, 'the endpoint is kept')
  })
})

t.test('workers that go away in the middle: one loses power, one its agent while it is its turn', async (t) => {
  const cluster = await clusterForTest(t, { workers: 2 })
  const going: Promise<unknown>[] = []
  const once = (when: RegExp, what: () => Promise<unknown>) => {
    let done = false
    return (said: string): void => {
      if (done || !when.test(said)) return
      done = true
      going.push(what())
    }
  }
  const events = [
    once(/regenerate-apiserver-certificate: k8smaster1[^\n]*issue/, () => cluster.kill('w1')),
    once(/rewrite-worker-kubeconfigs: k8sworker2[^\n]*point/, () => cluster.stopAgent(cluster.node('w2').name)),
  ]
  const converted = await cluster.quorate(convert(cluster), (said) => {
    for (const event of events) event(said)
  })
  await Promise.all(going)
  t.equal(going.length, 2, 'both went away')
  ended(t, converted)
  t.equal((await members(cluster)).length, 3)
  t.match(converted.stdout, /NOT CONVERTED: k8sworker1\.example\.com, k8sworker2\.example\.com/)
  const pending = journalOf(cluster).filter(({ kind }) => kind === 'action-pending')
  t.match(pending, [{ step: 'rewrite-worker-kubeconfigs', node: 'k8sworker2.example.com' }])
  ended(t, await verify(cluster), 7)

  await cluster.control.ask('bootNode', { node: cluster.node('w1').name })
  await Promise.all(['w1', 'w2'].map((name) => cluster.startAgent(cluster.node(name))))
  const serving = new CoordinatorProcess(cluster, ['serve', '--listen', `unix:${cluster.operatorFolder}/rest.sock`])
  await serving.said(/a missing node is back/)
  await until(
    'nobody to be missing',
    async () => ((await cluster.quorate(['status'])).stdout.includes('missing') ? notYet('missing') : holds(true)),
    { deadlineMs: 120_000, everyMs: 1_000 },
  )
  serving.kill('SIGTERM')
  t.equal((await serving.ended).exitCode, 0)
  for (const worker of ['w1', 'w2']) t.equal(serverIn(cluster, worker, kubeletConf), endpoint)
  ended(t, await verify(cluster))
})

t.test('a control plane that is offline blocks', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  await cluster.stopAgent(cluster.node('cp3').name)
  const refused = await cluster.quorate(convert(cluster))
  ended(t, refused, 3)
  t.match(refused.stdout, /error {3}agent-unreachable on k8smaster3/)
})
