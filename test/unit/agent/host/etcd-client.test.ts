import { connectEtcd } from '@quorate/agent/host/etcd-client'
import { issueCertificate } from '@quorate/shared/issue-certificate'
import t, { type Test } from 'tap'
import { controlPlaneNode } from '../../../support/control-plane-node.js'
import { connectedEtcd, etcdIds, member, startEtcd } from '../../../support/etcd-server.js'

const hex = (id: string): string => BigInt(id).toString(16)

t.test('lists members with ids as etcdctl prints them, each with its own status', async (t) => {
  const { node, etcd, client } = await connectedEtcd(t)
  const second = await startEtcd(node.ca, { memberId: etcdIds.other })
  t.teardown(() => second.close())
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
  const { etcd, client } = await connectedEtcd(t)
  etcd.state.members.push(member('5', ''), member('6', 'gone', 'https://127.0.0.1:1'))
  const { members } = await client.members()
  t.same(
    members.map(({ status }) => status !== undefined),
    [true, false, false],
  )
})

t.test('without quorum the list is still told, and that the alarms are not known', async (t) => {
  const { etcd, client } = await connectedEtcd(t)
  etcd.state.quorum = false
  const { members, alarms } = await client.members()
  t.equal(members.length, 1)
  t.match(alarms, [/unreadable: .*no leader/])
})

t.test(
  "a member's own list is told without a quorum at once: who votes there, and nothing that another member would have to say",
  async (t) => {
    const { etcd, client } = await connectedEtcd(t)
    etcd.state.members.push({ ...member(etcdIds.other, 'k8smaster2.example.com'), isLearner: true })
    etcd.state.quorum = false
    const { members, alarms, revision } = await client.localList()
    t.same(
      members.map(({ id, learner, status }) => ({ id, learner, status })),
      [
        { id: hex(etcdIds.own), learner: false, status: undefined },
        { id: hex(etcdIds.other), learner: true, status: undefined },
      ],
    )
    t.same(alarms, [], 'not asked: they go through raft')
    t.equal(revision, '4711')
    t.same(etcd.state.linearizable, [false], 'one request, which no quorum has to answer')
  },
)

t.test('names alarms and their member', async (t) => {
  const { etcd, client } = await connectedEtcd(t)
  etcd.state.alarms = [{ memberID: etcdIds.own, alarm: 1 }]
  t.same((await client.members()).alarms, [`NOSPACE on ${hex(etcdIds.own)}`])
})

t.test('removes the member that is meant, to the last digit; refusals are in etcd words', async (t) => {
  const { etcd, client } = await connectedEtcd(t)
  etcd.state.members.push(member(etcdIds.other, 'k8smaster2.example.com'))
  await client.removeMember(hex(etcdIds.other))
  t.same(etcd.state.removed, [etcdIds.other])
  await t.rejects(client.removeMember('abc'), { code: 'ETCD_REFUSED', message: /member not found/ })
  await t.rejects(client.promoteMember('abc'), { code: 'ETCD_REFUSED', message: /in sync with leader/ })
})

t.test('streams a snapshot byte for byte', async (t) => {
  const { etcd, client } = await connectedEtcd(t)
  const chunks: Uint8Array[] = []
  for await (const chunk of client.snapshot()) chunks.push(chunk)
  t.ok(chunks.length > 5)
  t.ok(Buffer.concat(chunks).subarray(0, 1024).equals(etcd.state.snapshot))
})

t.test('a stopped snapshot ends with the reason', async (t) => {
  const { client } = await connectedEtcd(t)
  const stop = new AbortController()
  const read = async () => {
    for await (const _ of client.snapshot(stop.signal)) stop.abort(new Error('enough'))
  }
  await t.rejects(read(), { message: 'enough' })
})

t.test('no etcd here, no certificate, nobody there', async (t) => {
  const { node, etcd, client } = await connectedEtcd(t)
  etcd.close()
  await t.rejects(client.members(), { code: 'ETCD_REFUSED' })
  await node.host.remove('/etc/kubernetes/pki/etcd/healthcheck-client.key')
  await t.rejects(connectEtcd(node.host), { code: 'ETCD_REFUSED', message: /healthcheck-client.key is missing/ })
  await node.host.remove('/etc/kubernetes/manifests/etcd.yaml')
  await t.rejects(connectEtcd(node.host), { code: 'NOT_A_CONTROL_PLANE' })
})

const clientFolder = '/etc/etcd/client'

/** A control plane without etcd, whose API server is told of these, with its client's files at a path of their own. */
async function externallyServed(
  t: Test,
  endpoints: (ca: Parameters<typeof startEtcd>[0]) => Promise<readonly string[]>,
) {
  const node = await controlPlaneNode(t)
  const urls = await endpoints(node.ca)
  await node.host.remove('/etc/kubernetes/manifests/etcd.yaml')
  const manifest = '/etc/kubernetes/manifests/kube-apiserver.yaml'
  const told = node
    .text(manifest)
    .replace(/--etcd-servers=\S+/, `--etcd-servers=${urls.join(',')}`)
    .replace(/--etcd-cafile=\S+/, `--etcd-cafile=${clientFolder}/ca.crt`)
    .replace(/--etcd-certfile=\S+/, `--etcd-certfile=${clientFolder}/client.crt`)
    .replace(/--etcd-keyfile=\S+/, `--etcd-keyfile=${clientFolder}/client.key`)
  node.write(manifest, told)
  const names = { organizations: [], dnsNames: [], ipAddresses: [], days: 1 }
  const pair = issueCertificate({ ca: node.ca, commonName: 'kube-apiserver', usage: 'client', ...names })
  node.write(`${clientFolder}/ca.crt`, node.ca.certPem)
  node.write(`${clientFolder}/client.crt`, pair.certPem)
  node.write(`${clientFolder}/client.key`, pair.keyPem)
  const client = await connectEtcd(node.host)
  t.teardown(() => client.close())
  return { node, client }
}

const address = '127.0.0.2'

t.test('an external etcd is asked where the API server is told to, and its members are left alone', async (t) => {
  const { client } = await externallyServed(t, async (ca) => {
    const etcd = await startEtcd(ca, { address, certificateFor: [address] })
    t.teardown(() => etcd.close())
    etcd.state.members = [member(etcdIds.own, 'etcd1', etcd.url), member(etcdIds.other, 'etcd2', etcd.url)]
    return ['https://127.0.0.2:1', etcd.url]
  })
  const { members } = await client.members()
  t.same(
    members.map(({ name, status }) => [name, status?.version]),
    [
      ['etcd1', '3.6.5'],
      ['etcd2', undefined],
    ],
    'another member that answers in its place is not its own word',
  )
  const chunks: Uint8Array[] = []
  for await (const chunk of client.snapshot()) chunks.push(chunk)
  t.ok(Buffer.concat(chunks).length > 1024)
  for (const change of [client.removeMember, client.promoteMember])
    await t.rejects(change(hex(etcdIds.own)), { code: 'NOT_IN_TABLE', message: /external/ })
})

t.test('an external etcd is verified for the address at which it is asked', async (t) => {
  const { client } = await externallyServed(t, async (ca) => {
    const etcd = await startEtcd(ca, { address, certificateFor: ['127.0.0.3'] })
    t.teardown(() => etcd.close())
    return [etcd.url]
  })
  await t.rejects(client.members(), { code: 'ETCD_REFUSED' })
})
