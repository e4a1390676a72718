import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { doubleExecutions } from '../chaos/parts/executions.js'
import { type Flaw, flaws } from '../faults/flaws/all.js'
import { errorsFound } from '../faults/flaws/find-flaws.js'
import { allOut, changedFile, type TakeOut } from '../faults/flaws/put-in.js'
import { simulatedFlaws } from '../faults/flaws/simulated.js'
import { asBefore } from '../support/as-before.js'
import { CoordinatorProcess } from '../support/coordinator-process.js'
import { clusterForTest, ended, everything, runOf, stepsOf } from '../support/simulated-cluster.js'

const fix = (cluster: SimulatedCluster): string[] => ['verify', '-f', cluster.clusterFile, '--fix', '--yes']

const theirSteps = [
  'back-up-files',
  'start-load-balancer',
  'publish-endpoint-name',
  'regenerate-apiserver-certificate',
  'update-kubeadm-config',
  'rewrite-admin-kubeconfigs',
  'update-kube-proxy',
  'rewrite-worker-kubeconfigs',
  'update-cluster-info',
  'prove-ha',
]

/** The block of an older conversion on one node, whose load balancer is no more. */
const staleHostsBlock: Flaw = {
  id: 'stale-hosts-block',
  found: [
    { proof: 'endpoint-name', node: 'w1' },
    { proof: 'endpoint-answers', node: 'w1' },
  ],
  put: (cluster) =>
    changedFile(cluster, { node: 'w1', path: '/etc/hosts' }, (text) =>
      text.replace(cluster.virtualIp, cluster.node('w1').address),
    ),
}

/** One for each kind of thing that a fix writes: files of nodes, ConfigMaps, a certificate, a load balancer that goes on serving. */
const ids = [
  'backend-missing-in-one-haproxy',
  'certificate-lacks-virtual-ip',
  'kubeadm-config-without-endpoint',
  'admin-kubeconfig-names-first',
  'kube-proxy-names-first',
  'kubelet-names-first',
  'stale-cluster-info',
]
const many = [...flaws.filter(({ id }) => ids.includes(id)), staleHostsBlock]

/** All of them at once, each thing that is found said once. */
const together: Flaw = {
  id: 'many',
  found: many
    .flatMap(({ found }) => found)
    .filter((one, at, all) => all.findIndex((other) => isDeepStrictEqual(other, one)) === at),
  async put(cluster) {
    const outs: TakeOut[] = []
    for (const flaw of many) outs.push(await flaw.put(cluster))
    return allOut(...outs)
  },
}

const verified = async (t: Test, cluster: SimulatedCluster, flaw?: Flaw): Promise<void> =>
  errorsFound(t, await simulatedFlaws(cluster), flaw)

/** Kills `quorate ARGS` when it has said that. */
async function killed(cluster: SimulatedCluster, args: readonly string[], when: RegExp): Promise<void> {
  const quorate = new CoordinatorProcess(cluster, args)
  await quorate.said(when)
  quorate.kill('SIGKILL')
  await quorate.ended
}

async function htmlOf(cluster: SimulatedCluster, run: string): Promise<string> {
  const file = join(cluster.operatorFolder, 'report.html')
  await cluster.quorate(['report', run, '--html', file])
  return readFileSync(file, 'utf8')
}

/** What a person reads afterwards speaks of a fix, and of no conversion. */
async function reported(t: Test, cluster: SimulatedCluster, { badge, verdict }: { badge: string; verdict: RegExp }) {
  const run = runOf(cluster)
  const { stdout: text } = await cluster.quorate(['report', run])
  const page = await htmlOf(cluster, run)
  const [head = ''] = /<header[\s\S]*?<\/header>/.exec(page) ?? []
  t.match(head, `<p class="outcome">${badge}</p>`)
  t.match(head, verdict)
  t.match(text, verdict)
  for (const said of [text, page]) t.same(/.*onver(?:sion|ted).*/.exec(said)?.[0], undefined, 'no word of a conversion')
}

t.test('a fix there and back', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 }, { policy: ['  manageHosts: true'] })
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))
  await together.put(await simulatedFlaws(cluster))
  await verified(t, cluster, together)
  const before = await everything(cluster)

  await t.test('killed half way, resumed: mended, and nothing was done twice', async (t) => {
    await killed(cluster, fix(cluster), /update-kubeadm-config: k8smaster1[^\n]*/)
    const run = runOf(cluster)
    t.match((await cluster.quorate(['status', run])).stdout, /abandoned[\s\S]*quorate resume/)
    await reported(t, cluster, { badge: 'Abandoned', verdict: /The coordinator of this fix is gone/ })
    ended(t, await cluster.quorate(['resume', run]))
    t.equal(runOf(cluster), run, 'it is the same run')
    t.same([...new Set(stepsOf(cluster))].sort(), [...theirSteps].sort())
    t.same(await doubleExecutions(cluster), [])
    await verified(t, cluster)
    await reported(t, cluster, { badge: 'Fixed', verdict: /simulated was fixed: every gate held/ })
  })

  await t.test('undone, killed on the way, undone to its end: as it was, flaws and all', async (t) => {
    const run = runOf(cluster)
    await killed(cluster, ['rollback', run, '--yes'], /update-kube-proxy: k8smaster1[^\n]*undo/)
    t.match((await cluster.quorate(['resume', run])).stderr, /RUN_OVER/)
    ended(t, await cluster.quorate(['rollback', run, '--yes']))
    await asBefore(t, cluster, before)
    await verified(t, cluster, together)
    await reported(t, cluster, { badge: 'Undone', verdict: /The fix of simulated was undone/ })
    t.match((await cluster.quorate(['rollback', run, '--yes'])).stderr, /RUN_OVER/)
  })

  await t.test('a step that fails: its node is as it was, those before it stay, and resume goes on', async (t) => {
    const { name: node, root } = cluster.node('w1')
    const kubelet = () => readFileSync(`${root}/etc/kubernetes/kubelet.conf`, 'utf8')
    const old = kubelet()
    await cluster.control.ask('fillDisk', { node, below: '/etc/kubernetes' })
    ended(t, await cluster.quorate(fix(cluster)), 4)
    t.equal(kubelet(), old)
    const run = runOf(cluster)
    await reported(t, cluster, { badge: 'Failed', verdict: /The fix of simulated stopped at a failure on k8sworker1/ })
    t.match((await cluster.quorate(['rollback', run, '--yes', '--keep-endpoint'])).stderr, /is a fix[\s\S]*USAGE/)
    await cluster.control.ask('fillDisk', { node, below: '' })
    ended(t, await cluster.quorate(['resume', run]))
    t.same(await doubleExecutions(cluster), [])
    await verified(t, cluster)
  })
})
