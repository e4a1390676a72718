import { readFileSync } from 'node:fs'
import t from 'tap'
import { answers, Probing } from '../../lab/simulated/probing.js'
import { asBefore } from '../support/as-before.js'
import { members, serverIn } from '../support/conversion-assertions.js'
import { clusterForTest, ended, everything, journalOf } from '../support/simulated-cluster.js'

const endpoint = 'https://apiserver.example.com:8443'
const runOf = (said: string): string => /run (\d{8}t\d{6}-[a-z0-9]{6})/.exec(said)?.[1] ?? ''

t.test('the endpoint is kept or given back, as asked', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const before = await everything(cluster)
  const convert = ['convert', '-f', cluster.clusterFile, '--yes']
  const converted = await cluster.quorate(convert)
  ended(t, converted)
  const run = runOf(converted.stdout)

  await t.test('kept: the joins go, all that names the endpoint stays, no request fails', async (t) => {
    // The address sits on a node that leaves: what leads there has to lead to who stays, too.
    for (const verb of ['stop', 'start']) await cluster.sh('cp1', ['systemctl', verb, 'quorate-keepalived'])
    await waitUntil(
      async () => !(await cluster.sh('cp1', ['ip', '-j', 'addr'])).stdout.includes(cluster.world.virtualIp),
    )
    await waitUntil(() => answers(cluster.world.virtualIp, 8443))
    const probing = new Probing()
    probing.at('endpoint', cluster.world.virtualIp, 8443)
    probing.at('direct', cluster.node('cp1').address, 6443)
    const undone = await cluster.quorate(['rollback', run, '--yes', '--keep-endpoint'])
    const probes = await probing.stop()
    ended(t, undone)
    t.match(undone.stdout, /Stays\n(?: {2}.*\n)* {2}rewrite-worker-kubeconfigs: the endpoint is kept/)
    for (const { name, count, errors } of probes) {
      t.ok(count > 5, `${name} was probed ${count} times`)
      t.same(errors, {}, `no failed request at ${name}`)
    }
    t.equal((await members(cluster)).length, 1)
    t.equal(serverIn(cluster, 'w1', '/etc/kubernetes/kubelet.conf'), endpoint)
    t.equal(serverIn(cluster, 'cp1', '/etc/kubernetes/admin.conf'), endpoint)
    t.match((await cluster.quorate(['status', run])).stdout, /rolled-back/)
    const steps = new Set(journalOf(cluster).flatMap(({ kind, step }) => (kind === 'action-undone' ? [step] : [])))
    t.same([...steps], ['join-control-planes', 'upload-certificates', 'prepare-joining'])
    t.match((await cluster.quorate(['rollback', run, '--yes'])).stderr, /RUN_OVER/)
  })

  await t.test('given back, by the run that joined them again: what that one found', async (t) => {
    const between = await everything(cluster)
    const again = await cluster.quorate(convert)
    ended(t, again)
    t.equal((await members(cluster)).length, 3)
    ended(t, await cluster.quorate(['rollback', runOf(again.stdout), '--yes']))
    t.equal((await members(cluster)).length, 1)
    await asBefore(t, cluster, between)
    t.notSame(between.objects, before.objects, 'the endpoint is of the first run, and was kept')
  })
})

t.test('a voter that died: what would cost the quorum is refused, before anything is undone', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const converted = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
  ended(t, converted)
  const run = runOf(converted.stdout)
  // Its etcd is dead, its agent lives: with it two of three voters answer, and the next that leaves would take the quorum along.
  const manifest = '/etc/kubernetes/manifests/etcd.yaml'
  const text = readFileSync(cluster.node('cp2').root + manifest, 'utf8')
  await cluster.control.ask('removeFile', { node: cluster.node('cp2').name, path: manifest })
  await waitUntil(async () => (await members(cluster)).filter(({ serving }) => serving).length === 2)
  const files = await everything(cluster)
  const events = journalOf(cluster).length

  const refused = await cluster.quorate(['rollback', run, '--yes'])
  ended(t, refused, 5)
  t.match(refused.stdout, /k8smaster3\S* leaves: 2 of 3 voters answer, then 1 of 2/)
  t.match(refused.stdout, /Cannot be undone[\s\S]*docs\/runbook\.md#quorum/)
  t.match(refused.stderr, /QUORUM_AT_RISK/)
  t.match(refused.stderr, /docs\/runbook\.md#quorum/, 'the page is named')
  t.match(readFileSync('docs/runbook.md', 'utf8'), /^## quorum$/m, 'and is there')
  t.equal(journalOf(cluster).length, events, 'nothing was begun')
  t.equal((await members(cluster)).length, 3)
  t.same((await everything(cluster)).files, files.files, 'nothing was touched')

  await t.test('with its etcd back the same command does it', async (t) => {
    await cluster.control.ask('writeFile', { node: cluster.node('cp2').name, path: manifest, text })
    await waitUntil(async () => (await members(cluster)).filter(({ serving }) => serving).length === 3)
    ended(t, await cluster.quorate(['rollback', run, '--yes']))
    t.equal((await members(cluster)).length, 1)
  })
})

t.test('a dead machine among the voters stops the way back at once, with its name', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const converted = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
  ended(t, converted)
  await cluster.kill('cp3')
  const events = journalOf(cluster).length
  const refused = await cluster.quorate(['rollback', runOf(converted.stdout), '--yes'])
  ended(t, refused, 3)
  t.match(refused.stderr, /k8smaster3/)
  t.equal(journalOf(cluster).length, events, 'nothing was begun')
})

async function waitUntil(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await holds()); await new Promise((resolve) => setTimeout(resolve, 200)))
    if (Date.now() > end) throw new Error('it did not become so in a minute')
}
