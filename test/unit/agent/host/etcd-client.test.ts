import { connectEtcd } from '@quorate/agent/host/etcd-client'
import t, { type Test } from 'tap'
import { controlPlaneNode } from '../../../support/control-plane-node.js'
import { etcdIds, giveEtcd, member, startEtcd } from '../../../support/etcd-server.js'

const hex = (id: string): string => BigInt(id).toString(16)

async function connected(t: Test) {
  const node = await controlPlaneNode(t)
  const etcd = await giveEtcd(t, node)
  const client = await connectEtcd(node.host)
  t.teardown(() => client.close())
  return { node, etcd, client }
}

t.test('lists members with ids as etcdctl prints them, each with its own status', async (t) => {
  const { node, etcd, client } = await connected(t)
  const second = await startEtcd(node.ca)
  t.teardown(() => second.close())
  second.state.memberId = etcdIds.other
  second.state.status = { isLearner: true, version: '3.6.4', raftAppliedIndex: '9' }
  etcd.state.members.push(member(etcdIds.other, 'k8smaster2.example.com', second.url))
  const { members, alarms, clusterId, revision } = await client.members()
  t.equal(clusterId, hex(etcdIds.cluster))
  t.equal(revision, '4711')
  t.same(alarms, [])
  t.same(
    members.map(({ id }) => id),
    [hex(etcdIds.own), hex(etcdIds.other)],
  )
  t.match(members[0]?.status, {
    version: '3.6.5',
    dbSizeBytes: 20480,
    leaderId: hex(etcdIds.own),
    learner: false,
    raftIndex: 12,
  })
  t.match(members[1]?.status, { version: '3.6.4', learner: true, raftAppliedIndex: 9, clusterId: hex(etcdIds.cluster) })
  t.notOk(members[1]?.learner, 'the list and the member itself may differ: both are told')
})

t.test('a member that never started or does not answer has no status', async (t) => {
  const { etcd, client } = await connected(t)
  etcd.state.members.push(member('5', ''), member('6', 'gone', 'https://127.0.0.1:1'))
  const { members } = await client.members()
  t.same(
    members.map(({ status }) => status !== undefined),
    [true, false, false],
  )
})

t.test('without quorum the list is still told, and that the alarms are not known', async (t) => {
  const { etcd, client } = await connected(t)
  etcd.state.quorum = false
  const { members, alarms } = await client.members()
  t.equal(members.length, 1)
  t.match(alarms, [/unreadable: .*no leader/])
})

t.test('names alarms and their member', async (t) => {
  const { etcd, client } = await connected(t)
  etcd.state.alarms = [{ memberID: etcdIds.own, alarm: 1 }]
  t.same((await client.members()).alarms, [`NOSPACE on ${hex(etcdIds.own)}`])
})

t.test('removes the member that is meant, to the last digit; refusals are in etcd words', async (t) => {
  const { etcd, client } = await connected(t)
  etcd.state.members.push(member(etcdIds.other, 'k8smaster2.example.com'))
  await client.removeMember(hex(etcdIds.other))
  t.same(etcd.state.removed, [etcdIds.other])
  await t.rejects(client.removeMember('abc'), { code: 'ETCD_REFUSED', message: /member not found/ })
  await t.rejects(client.promoteMember('abc'), { code: 'ETCD_REFUSED', message: /in sync with leader/ })
})

t.test('streams a snapshot byte for byte', async (t) => {
  const { etcd, client } = await connected(t)
  const chunks: Uint8Array[] = []
  for await (const chunk of client.snapshot()) chunks.push(chunk)
  t.ok(chunks.length > 5)
  t.ok(Buffer.concat(chunks).subarray(0, 1024).equals(etcd.state.snapshot))
})

t.test('a stopped snapshot ends with the reason', async (t) => {
  const { client } = await connected(t)
  const stop = new AbortController()
  const read = async () => {
    for await (const _ of client.snapshot(stop.signal)) stop.abort(new Error('enough'))
  }
  await t.rejects(read(), { message: 'enough' })
})

t.test('no etcd here, no certificate, nobody there', async (t) => {
  const { node, etcd, client } = await connected(t)
  etcd.close()
  await t.rejects(client.members(), { code: 'ETCD_REFUSED' })
  await node.host.remove('/etc/kubernetes/pki/etcd/healthcheck-client.key')
  await t.rejects(connectEtcd(node.host), { code: 'ETCD_REFUSED', message: /healthcheck-client.key is missing/ })
  await node.host.remove('/etc/kubernetes/manifests/etcd.yaml')
  await t.rejects(connectEtcd(node.host), { code: 'NOT_A_CONTROL_PLANE' })
})
