import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectCri } from '@quorate/agent/host/cri-client'
import { LinuxHost } from '@quorate/agent/host/linux-host'
import { SnapshotDigest } from '@quorate/agent/ops/cluster/snapshot-digest'
import { letEtcdListenWithin } from '@quorate/agent/ops/let-etcd-listen'
import { listEtcdMembers } from '@quorate/agent/ops/list-etcd-members'
import { promoteEtcdMember, promoteWithin } from '@quorate/agent/ops/promote-etcd-member'
import { removeEtcdMember } from '@quorate/agent/ops/remove-etcd-member'
import { snapshotEtcd } from '@quorate/agent/ops/snapshot-etcd'
import { updateEtcdMember } from '@quorate/agent/ops/update-etcd-member'
import { issueCertificate } from '@quorate/shared/issue-certificate'
import t, { type Test } from 'tap'
import { container, startContainerRuntime } from '../../../../support/container-runtime.js'
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
  const path = join(node.root, folder, 'etcd-snapshot.db.age')
  t.notOk(readFileSync(path).includes(etcd.state.snapshot.subarray(0, 64)), 'it is nowhere in clear')
  const saved = await node.tools.backups.open(readFileSync(path), path)
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
  const answer = await listEtcdMembers.run({ authentication: true }, node.tools, new AbortController().signal)
  t.match(answer, { members: [{ name: 'k8smaster1.example.com' }], alarms: [], clusterId: hex(etcdIds.cluster) })
  t.notOk('revision' in answer)
})

t.test('says whether etcd authenticates, and with which role, where it is asked', async (t) => {
  const { node, etcd } = await prepared(t)
  const ask = async (authentication: boolean) => {
    const answer = await listEtcdMembers.run({ authentication }, node.tools, new AbortController().signal)
    return answer.authentication
  }
  t.equal(await ask(false), '', 'a gate does not ask')
  for (const answer of ['off', 'root', 'etcdserver: user name not found', 'etcdserver: permission denied'] as const) {
    etcd.state.authentication = answer
    t.equal(await ask(true), answer)
  }
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
  const second = await startEtcd(node.ca, { memberId: etcdIds.other })
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

async function withLearner(t: Test) {
  const { node, etcd } = await prepared(t)
  const second = await startEtcd(node.ca, { memberId: etcdIds.other })
  t.teardown(() => second.close())
  second.state.status = { isLearner: true, raftIndex: '5000', raftAppliedIndex: '5000' }
  etcd.state.status = { raftIndex: '5100', raftAppliedIndex: '5100' }
  const learner = { ...member(etcdIds.other, 'k8smaster2.example.com', second.url), isLearner: true }
  etcd.state.members.push(learner)
  const context = { ...node.context(), begunAtUnixMs: Date.now() }
  const request = { header: undefined, memberId: hex(etcdIds.other) }
  return { node, etcd, second, context, request, promote: promoteWithin(600).run(request, context) }
}

t.test('a learner that answers and is in sync gets its vote; asked again it has it', async (t) => {
  const { etcd, promote, context, request } = await withLearner(t)
  etcd.state.inSync = true
  t.match(await promote, { unchanged: false, facts: { voter: 'yes' } })
  t.notOk(etcd.state.members[1]?.isLearner)
  t.match(await promoteEtcdMember.evidence?.(request, context), { done: 'yes' })
  t.match(await promoteEtcdMember.run(request, context), { unchanged: true })
})

t.test('a learner that is behind is not promoted, though etcd would do it at nine tenths', async (t) => {
  const { etcd, promote, context, request } = await withLearner(t)
  etcd.state.inSync = true
  etcd.state.status = { raftIndex: '6500', raftAppliedIndex: '6500' }
  await t.rejects(promote, { code: 'ETCD_REFUSED', message: /1500 entries behind/ })
  t.match(await promoteEtcdMember.evidence?.(request, context), { done: 'no' })
  t.ok(etcd.state.members[1]?.isLearner)
})

t.test('a learner that died is not promoted: it would be one of two voters, and etcd does not ask', async (t) => {
  const { etcd, second, promote } = await withLearner(t)
  etcd.state.inSync = true
  second.close()
  await t.rejects(promote, { code: 'ETCD_REFUSED', message: /does not answer for itself/ })
  t.ok(etcd.state.members[1]?.isLearner)
})

t.test('no vote is given where it would cost the quorum, and none to a member that is not there', async (t) => {
  const { etcd, promote, context } = await withLearner(t)
  etcd.state.inSync = true
  etcd.state.members.push(member('99', 'k8smaster3.example.com', 'https://127.0.0.1:1'))
  await t.rejects(promote, { code: 'QUORUM_AT_RISK', message: /now, 1 of 2 voters/ })
  const stranger = { header: undefined, memberId: 'abc' }
  await t.rejects(promoteEtcdMember.run(stranger, context), { code: 'ETCD_REFUSED', message: /no member abc/ })
})

t.test('a member is known by other peer URLs, once', async (t) => {
  const { node, etcd } = await prepared(t)
  const memberId = hex(etcdIds.own)
  const request = { header: undefined, memberId, peerUrls: ['https://192.168.13.77:2380'] }
  const before = etcd.state.members[0]?.peerURLs.join(',')
  t.match(await updateEtcdMember.run(request, node.context('op-1')), {
    unchanged: false,
    facts: { member_id: memberId, previous_peer_urls: before },
  })
  t.same(etcd.state.members[0]?.peerURLs, request.peerUrls)
  t.match(await updateEtcdMember.evidence?.(request, { ...node.context('op-2'), begunAtUnixMs: 0 }), { done: 'yes' })
  t.match(await updateEtcdMember.run(request, node.context('op-2')), { unchanged: true })
  const stranger = { ...request, memberId: 'abc' }
  await t.rejects(updateEtcdMember.run(stranger, node.context('op-3')), {
    code: 'ETCD_REFUSED',
    message: /no member abc/,
  })
})

t.test('an etcd that does not come back with its new flags gets its files back', async (t) => {
  const { node } = await prepared(t)
  const manifest = '/etc/kubernetes/manifests/etcd.yaml'
  const [address, pki] = ['192.0.2.30', '/etc/kubernetes/pki/etcd']
  for (const name of ['server', 'peer']) {
    const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', address] }
    const made = issueCertificate({
      ca: node.ca,
      commonName: 'etcd',
      organizations: [],
      ...names,
      days: 30,
      usage: 'server',
    })
    node.write(`${pki}/${name}.crt`, made.certPem)
    node.write(`${pki}/${name}.key`, made.keyPem)
  }
  const before = node.text(manifest)
  // The kubelet never starts it anew.
  const root = mkdtempSync(join(tmpdir(), 'cri-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  const runtime = await startContainerRuntime(t, join(root, 'c.sock'))
  runtime.containers = [container('e', 'etcd')]
  const cri = () => connectCri(new LinuxHost(root), '/c.sock')
  const context = { ...node.context('op-1'), tools: { ...node.tools, cri } }
  const listen = letEtcdListenWithin(300).run({ header: undefined, address }, context)
  await t.rejects(listen, {
    code: 'ETCD_REFUSED',
    message: /did not restart with its new flags.*its files were restored/,
  })
  t.equal(node.text(manifest), before)
})
