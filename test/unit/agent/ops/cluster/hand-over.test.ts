import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectCri } from '@quorate/agent/host/cri-client'
import { LinuxHost } from '@quorate/agent/host/linux-host'
import { handOverLeadership } from '@quorate/agent/ops/hand-over-leadership'
import { leaveApiEndpoints } from '@quorate/agent/ops/leave-api-endpoints'
import { retireApiServer } from '@quorate/agent/ops/retire-api-server'
import t, { type Test } from 'tap'
import { container, startContainerRuntime } from '../../../../support/container-runtime.js'
import { controlPlaneNode } from '../../../../support/control-plane-node.js'
import { etcdIds, giveEtcd, member } from '../../../../support/etcd-server.js'

const slices =
  '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes'
const slice = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes'
const leasePath = (name: string): string => `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${name}`
const hex = (id: string): string => BigInt(id).toString(16)

async function prepared(t: Test) {
  const root = mkdtempSync(join(tmpdir(), 'cri-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  const runtime = await startContainerRuntime(t, join(root, 'c.sock'))
  runtime.containers = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'].map((name) =>
    container(name, name),
  )
  const node = await controlPlaneNode(t)
  const etcd = await giveEtcd(t, node)
  const context = (id: string) => {
    const one = node.context(id)
    return { ...one, tools: { ...one.tools, cri: () => connectCri(new LinuxHost(root), '/c.sock') } }
  }
  const lead = (name: string, holderIdentity: string | undefined): void => {
    const metadata = { name, namespace: 'kube-system', resourceVersion: '7' }
    node.api.objects.set(leasePath(name), { metadata, spec: { holderIdentity } })
  }
  const holder = (name: string): unknown => node.api.objects.get(leasePath(name))?.['spec'].holderIdentity
  const lists = (...addresses: string[]): void => {
    const object = {
      metadata: { name: 'kubernetes', resourceVersion: '7' },
      endpoints: addresses.map((address) => ({ addresses: [address] })),
    }
    node.api.objects.set(slices, { items: [object] })
    node.api.objects.set(slice, object)
  }
  return { runtime, node, etcd, context, lead, holder, lists }
}

t.test('etcd is led by another voter, the Leases by the instances that take them', async (t) => {
  const { runtime, etcd, context, lead, holder } = await prepared(t)
  etcd.state.members.push(member(etcdIds.other, 'k8smaster2.example.com', etcd.url))
  etcd.state.status = { leader: etcdIds.own }
  lead('kube-controller-manager', `${hostname()}_1`)
  lead('kube-scheduler', 'k8smaster2_2')
  // Another instance takes it when it is free, and sometimes the kubelet's next one is faster.
  let taken = 0
  runtime.onStop = () => {
    taken++
    runtime.containers.push(container(`manager-${taken}`, 'kube-controller-manager'))
    setTimeout(() => lead('kube-controller-manager', taken === 1 ? `${hostname()}_9` : 'k8smaster3_3'), 300)
  }
  const wish = { header: undefined, to: 'k8smaster2.example.com', onlyJoined: false }
  const first = context('op-1')
  t.match(await handOverLeadership.evidence?.(wish, { ...first, begunAtUnixMs: 0 }), { done: 'no' })
  // That member of the test answers for the first one: it is seen as not able.
  const { summary } = await handOverLeadership.run(wish, first)
  t.match(summary, /no other voter answers/)
  t.match(summary, /kube-controller-manager is led by k8smaster3/)
  t.same(runtime.stopped[0], 'kube-controller-manager 5')
  t.equal(holder('kube-scheduler'), 'k8smaster2_2', 'what is not led here is left alone')
})

t.test('a member that answers and votes leads from then on', async (t) => {
  const { etcd, node, context } = await prepared(t)
  const second = await giveEtcd(t, { ...node, write: () => {} })
  second.state.memberId = etcdIds.other
  etcd.state.members.push(member(etcdIds.other, 'k8smaster2.example.com', second.url))
  etcd.state.status = { leader: etcdIds.own }
  const wish = { header: undefined, to: 'k8smaster2.example.com', onlyJoined: false }
  t.match((await handOverLeadership.run(wish, context('op-1'))).summary, 'k8smaster2.example.com leads etcd')
  t.equal(etcd.state.status.leader, etcdIds.other)
  t.ok((await handOverLeadership.run(wish, context('op-2'))).unchanged, hex(etcdIds.other))
  t.match(await handOverLeadership.evidence?.(wish, { ...context('op-3'), begunAtUnixMs: 0 }), { done: 'yes' })
})

t.test(
  'the API server leaves the endpoints, unless it is the only one; it does not end while it is among them',
  async (t) => {
    const { runtime, node, etcd, context, lists } = await prepared(t)
    const wish = { header: undefined, onlyJoined: false }
    const leases = ['/registry/masterleases/127.0.0.1', '/registry/masterleases/192.168.13.31']
    etcd.state.keys = new Set(leases)
    lists('127.0.0.1')
    t.match(await leaveApiEndpoints.run(wish, context('op-1')), { unchanged: true, facts: { alone: 'yes' } })
    lists('127.0.0.1', '192.168.13.31')
    // What is left of its key's lease says nothing: a new leader of etcd lets each lease begin again.
    const leaving = leaveApiEndpoints.run(wish, context('op-2'))
    await new Promise((resolve) => setTimeout(resolve, 600))
    t.same([...etcd.state.keys], leases, 'it waits until it has seen a write of that key')
    etcd.state.revision++
    const before = Date.now()
    const { unchanged, facts } = await leaving
    t.notOk(unchanged)
    t.ok(Number(facts['stays_out_until']) > before && Number(facts['stays_out_until']) <= Date.now() + 8_000)
    t.match(node.api.objects.get(slice), { endpoints: [{ addresses: ['192.168.13.31'] }] })
    t.same([...etcd.state.keys], leases.slice(1), 'the other API servers do not put it back')
    etcd.state.keys = undefined
    lists('127.0.0.1', '192.168.13.31')
    t.notOk((await leaveApiEndpoints.run(wish, context('op-7'))).unchanged, 'an etcd that refuses stops nothing')
    lists('192.168.13.31')
    t.ok((await leaveApiEndpoints.run(wish, context('op-3'))).unchanged)

    const { header } = context('op-4')
    node.write('/var/lib/quorate-agent/joined-by', JSON.stringify({ runId: header.runId, before: [] }))
    lists('127.0.0.1', '192.168.13.31')
    const retire = { header: undefined, unlessInEndpoints: true, untilUnixMs: 0 }
    t.match(await retireApiServer.run(retire, context('op-5')), { unchanged: true, facts: { in_endpoints: 'yes' } })
    t.same(runtime.stopped, [])
    lists('192.168.13.31')
    const late = { ...retire, untilUnixMs: 1 }
    t.match(await retireApiServer.run(late, context('op-8')), { unchanged: true, facts: { in_endpoints: 'yes' } })
    t.same(runtime.stopped, [], 'it may be back by then')
    t.notOk((await retireApiServer.run(retire, context('op-6'))).unchanged)
    t.same(runtime.stopped, ['kube-apiserver 5'])
  },
)

t.test('what is undone touches no node that this run did not join', async (t) => {
  const { context, lists } = await prepared(t)
  lists('127.0.0.1', '192.168.13.31')
  const refusal = { code: 'NOT_JOINED_BY_THIS_RUN' }
  await t.rejects(leaveApiEndpoints.run({ header: undefined, onlyJoined: true }, context('op-1')), refusal)
  await t.rejects(handOverLeadership.run({ header: undefined, to: 'x', onlyJoined: true }, context('op-2')), refusal)
})

t.test('of two that leave at the same time, the second sees what the first one wrote and leaves too', async (t) => {
  const { node, context, lists } = await prepared(t)
  const { objects } = node.api
  lists('127.0.0.1', '192.168.13.31', '192.168.13.32')
  const read = objects.get.bind(objects)
  let changes = 0
  // Between its look and its change another one leaves, twice.
  objects.get = (path) => {
    const found = read(path)
    if (path === slices && changes < 2) {
      const { resourceVersion } = read(slice)?.['metadata'] ?? {}
      lists('127.0.0.1', ...(changes++ === 0 ? ['192.168.13.31'] : []), '192.168.13.32')
      for (const one of [read(slice), read(slices)?.['items'][0]])
        one['metadata'] = { ...one['metadata'], resourceVersion: String(Number(resourceVersion) + 1) }
    }
    return found
  }
  const wish = { header: undefined, onlyJoined: false }
  t.notOk((await leaveApiEndpoints.run(wish, context('op-1'))).unchanged)
  t.equal(changes, 2)
  t.match(read(slice), { endpoints: [{ addresses: ['192.168.13.32'] }] })
})
