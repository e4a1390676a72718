import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterContract } from '../contract/cluster-contract.js'
import { readyToJoin } from '../support/simulated-agents.js'
import { clusterForTest, ended, hashFiles, runOf } from '../support/simulated-cluster.js'
import { simulatedLab } from '../support/simulated-lab.js'

const externalEtcd = { members: 3 }

/** Files of a node that a join or an operation of ours could change. */
const filesOf = (cluster: SimulatedCluster, name: string): Record<string, string> => {
  const own = new RegExp(`^${cluster.node(name).name}:/(?!var/lib/quorate-agent|run)`)
  return Object.fromEntries(Object.entries(hashFiles(cluster)).filter(([path]) => own.test(path)))
}

const failing = async (cluster: SimulatedCluster): Promise<string[]> => {
  const { stdout } = await cluster.quorate(['verify', '-f', cluster.clusterFile, '-o', 'json'])
  const { proofs } = JSON.parse(stdout) as { proofs: { id: string; holds: boolean }[] }
  return proofs.filter(({ holds }) => !holds).map(({ id }) => id)
}

t.test('an agent asks the external etcd with the files of its API server, and changes no member', async (t) => {
  const { cluster, agents, join: spec, place } = await readyToJoin(t, 'kubelet-start', { externalEtcd })
  const { members } = await agents.read('cp1', 'listEtcdMembers')
  t.same(members.map(({ name, status }) => [name, status !== undefined]).sort(), [
    ['etcd1.example.com', true],
    ['etcd2.example.com', true],
    ['etcd3.example.com', true],
  ])
  for (const method of ['removeEtcdMember', 'promoteEtcdMember'] as const)
    await t.rejects(agents.change('cp1', method, method, { memberId: members[0]?.id }), method)
  t.equal((await agents.read('cp1', 'listEtcdMembers')).members.length, 3)
  const { facts } = await agents.change('cp1', 'snapshotEtcd', 'snapshot')
  t.match(facts, { sha256: /^[0-9a-f]{64}$/ })
  const { facts: node } = await agents.read('cp1', 'getNodeFacts')
  const client = node?.certificates.find(({ path }) => path === '/etc/etcd/pki/apiserver.crt')
  t.ok(Number(client?.notAfterUnixMs) > Date.now(), 'its end is known')
  t.notMatch(JSON.stringify(node), 'PRIVATE KEY')

  await t.test('a member of that etcd on the joiner itself survives a join that is taken back', async (t) => {
    const wal = join(cluster.node('cp2').root, 'var/lib/etcd/member/wal/0.wal')
    mkdirSync(join(wal, '..'), { recursive: true })
    writeFileSync(wal, 'before')
    const before = filesOf(cluster, 'cp2')
    await t.rejects(agents.change('cp2', 'joinControlPlane', 'join-1', spec), { code: 'COMMAND_FAILED' })
    t.match((await agents.read('cp2', 'examineOperation', { operationId: 'join-1' })).evidence?.facts, {
      done: 'no',
      local_etcd: 'no',
      apiserver_manifest: 'yes',
    })
    writeFileSync(wal, 'written meanwhile')
    writeFileSync(`${wal}.next`, 'new')
    const { summary } = await agents.change('cp2', 'resetNode', 'reset-1')
    t.match(summary, /byte for byte/)
    t.equal(readFileSync(wal, 'utf8'), 'written meanwhile')
    t.ok(existsSync(`${wal}.next`))
    const after = filesOf(cluster, 'cp2')
    // The client's files for etcd came with the join's Secret: the run's shared files take them away again (prepare-joining).
    const others = (files: Record<string, string>) =>
      Object.entries(files).filter(([path]) => !/:\/(var\/lib\/etcd|etc\/etcd)\//.test(path))
    t.same(others(after), others(before))
  })

  await t.test('a join that broke off behind its API server is finished', async (t) => {
    await cluster.setFaults('cp2', { failJoinPhase: 'control-plane-join/mark-control-plane' })
    await place(2)
    await t.rejects(agents.change('cp2', 'joinControlPlane', 'join-2', spec), { code: 'COMMAND_FAILED' })
    t.match(await agents.change('cp2', 'finishJoin', 'finish-2', spec), { unchanged: false })
    t.match((await agents.read('cp2', 'examineOperation', { operationId: 'join-2' })).evidence?.facts, { done: 'yes' })
    t.equal((await agents.read('cp2', 'listEtcdMembers')).members.length, 3, 'the joined one asks the same etcd')
  })
})

t.test('joins that break off: taken back or finished, and a member that dies is told', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1, externalEtcd })
  const convert = ['convert', '-f', cluster.clusterFile, '--yes']
  const before = filesOf(cluster, 'cp3')
  await cluster.setFaults('cp2', { failJoinPhase: 'control-plane-join/mark-control-plane' })
  await cluster.setFaults('cp3', { failJoinPhase: 'kubelet-start' })
  ended(t, await cluster.quorate(convert), 4)
  const left = filesOf(cluster, 'cp3')
  const kubernetes = (files: Record<string, string>) =>
    Object.entries(files).filter(([path]) => /:\/(etc\/kubernetes|var\/lib\/(kubelet|etcd))\//.test(path))
  t.same(kubernetes(left), kubernetes(before), 'the joiner is clean again')
  for (const node of ['cp2', 'cp3']) await cluster.setFaults(node, { failJoinPhase: '' })
  ended(t, await cluster.quorate(['resume', runOf(cluster)]))
  t.same(await failing(cluster), [])

  await cluster.control.ask('powerEtcdMachine', { name: 'etcd2.example.com', alive: false })
  t.same(await failing(cluster), ['etcd'], 'the cluster works, and is not as redundant as it was')
  await cluster.control.ask('powerEtcdMachine', { name: 'etcd2.example.com', alive: true })

  const drill = ['drill', '-f', cluster.clusterFile, '--yes', '--i-know-this-takes-parts-down']
  const drilled = await cluster.quorate([...drill, '--only', 'control-plane', '--down-for', '3'])
  ended(t, drilled)
  ended(t, await cluster.quorate([...drill, '--only', 'etcd-leader']), 0)
})

t.test('a simulated cluster with an external etcd does what a real one does', async (t) => {
  const cluster = await SimulatedCluster.start({ controlPlanes: 2, workers: 1, externalEtcd })
  t.teardown(() => cluster.stop())
  const lab = simulatedLab(cluster, 'v1beta4')
  for (const [title, assert] of clusterContract) await t.test(title, (t) => assert(t, lab))
})
