import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SnapshotDigest } from '@quorate/agent/ops/cluster/snapshot-digest'
import { listEtcdMembers } from '@quorate/agent/ops/list-etcd-members'
import { removeEtcdMember } from '@quorate/agent/ops/remove-etcd-member'
import { snapshotEtcd } from '@quorate/agent/ops/snapshot-etcd'
import t, { type Test } from 'tap'
import { controlPlaneNode, runId } from '../../../../support/control-plane-node.js'
import { etcdIds, giveEtcd, member, startEtcd } from '../../../../support/etcd-server.js'

const folder = `var/lib/quorate-agent/backups/${runId}`
const hex = (id: string): string => BigInt(id).toString(16)

async function prepared(t: Test) {
  const node = await controlPlaneNode(t)
  return { node, etcd: await giveEtcd(t, node) }
}

t.test('saves a snapshot that is whole, for root alone, with its revision', async (t) => {
  const { node, etcd } = await prepared(t)
  const { facts, touched } = await snapshotEtcd.run({ header: undefined }, node.context())
  const path = join(node.root, folder, 'etcd-snapshot.db')
  const saved = readFileSync(path)
  t.equal(saved.length, 1024 + 32)
  t.ok(saved.subarray(0, 1024).equals(etcd.state.snapshot))
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.same(facts, { sha256: createHash('sha256').update(saved).digest('hex'), size_bytes: '1056', revision: '4711' })
  t.equal(touched[0]?.sha256After, facts['sha256'])
})

t.test('a snapshot whose own hash is wrong, or that is cut short, is not kept', async (t) => {
  const { node, etcd } = await prepared(t)
  etcd.state.damaged = true
  await t.rejects(snapshotEtcd.run({ header: undefined }, node.context()), {
    code: 'ETCD_REFUSED',
    message: /sha256 is not the one/,
  })
  etcd.state.damaged = false
  etcd.state.snapshot = Buffer.alloc(700)
  await t.rejects(snapshotEtcd.run({ header: undefined }, node.context('op-2')), {
    code: 'ETCD_REFUSED',
    message: /732 bytes are not a snapshot/,
  })
  const left = existsSync(join(node.root, folder)) ? readdirSync(join(node.root, folder)) : []
  t.same(left, [], 'not even a temporary file')
})

t.test('the digest does not depend on how the bytes are cut', (t) => {
  const pages = Buffer.from(Array.from({ length: 1024 }, (_, index) => index % 251))
  const bytes = Buffer.concat([pages, createHash('sha256').update(pages).digest()])
  for (const size of [1, 31, 32, 33, 500, 1056]) {
    const digest = new SnapshotDigest()
    for (let at = 0; at < bytes.length; at += size) digest.update(bytes.subarray(at, at + size))
    t.doesNotThrow(() => digest.verify(), `pieces of ${size}`)
  }
  t.throws(() => new SnapshotDigest().verify(), { code: 'ETCD_REFUSED' })
  t.end()
})

t.test('lists members as one answer', async (t) => {
  const { node } = await prepared(t)
  const answer = await listEtcdMembers.run({}, node.tools, new AbortController().signal)
  t.match(answer, { members: [{ name: 'k8smaster1.example.com' }], alarms: [], clusterId: hex(etcdIds.cluster) })
  t.notOk('revision' in answer)
})

t.test('removes a member while quorum holds before and after', async (t) => {
  const { node, etcd } = await prepared(t)
  const remove = (id: string, operation: string) =>
    removeEtcdMember.run({ header: undefined, memberId: id }, node.context(operation))
  t.ok((await remove('abc', 'op-1')).unchanged)
  await t.rejects(remove(hex(etcdIds.own), 'op-2'), { code: 'NOT_IN_TABLE' }, 'a member does not remove itself')
  etcd.state.members.push(member(etcdIds.other, 'k8smaster2.example.com', 'https://127.0.0.1:1'))
  await t.rejects(
    remove(hex(etcdIds.other), 'op-3'),
    { code: 'QUORUM_AT_RISK', message: /now, 1 of 2 voters/ },
    'one of two is dead: etcd cannot agree on anything',
  )
  const second = await startEtcd(node.ca)
  t.teardown(() => second.close())
  etcd.state.members.splice(
    1,
    1,
    member(etcdIds.other, 'k8smaster2.example.com', second.url),
    member('99', 'k8smaster3.example.com', 'https://127.0.0.1:1'),
  )
  await t.rejects(
    remove(hex(etcdIds.other), 'op-4'),
    { code: 'QUORUM_AT_RISK', message: /after the removal, 1 of 2 voters/ },
    'the dead one must go first',
  )
  t.match(await remove(hex('99'), 'op-5'), { unchanged: false, facts: { voters: '2' } })
  t.match(await remove(hex(etcdIds.other), 'op-6'), { unchanged: false, facts: { voters: '1' } })
  t.same(etcd.state.removed, ['99', etcdIds.other])
})

t.test('a learner has no vote: it may go whatever its state', async (t) => {
  const { node, etcd } = await prepared(t)
  etcd.state.members.push({ ...member(etcdIds.other, ''), isLearner: true })
  await removeEtcdMember.run({ header: undefined, memberId: hex(etcdIds.other) }, node.context())
  t.same(etcd.state.removed, [etcdIds.other])
})
