import { drainNode } from '@quorate/agent/ops/drain-node'
import { spreadCoreDns } from '@quorate/agent/ops/spread-core-dns'
import t, { type Test } from 'tap'
import { controlPlaneNode, nodeName } from '../../../../support/control-plane-node.js'

const folder = '/api/v1/namespaces/kube-system/pods'
const deploymentPath = '/apis/apps/v1/namespaces/kube-system/deployments/coredns'
const wish = { header: undefined, onlyLeaving: false }

interface PodWish {
  readonly node: string
  readonly app?: string
  readonly ready?: boolean
}

const pod = (name: string, { node, app = 'kube-dns', ready = true }: PodWish) => ({
  metadata: { namespace: 'kube-system', name, labels: { 'k8s-app': app } },
  spec: { nodeName: node },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
})

/** A ReplicaSet that replaces what lost its label, as long as `replaces`; `seen` has what happened to pods, in order. */
async function withCoreDns(t: Test, pods: Record<string, PodWish>, selector: object = { 'k8s-app': 'kube-dns' }) {
  const made = await controlPlaneNode(t)
  const { objects, asked } = made.api
  const set = { replaces: true }
  objects.set(deploymentPath, {
    metadata: { name: 'coredns' },
    spec: { replicas: 2, selector: { matchLabels: selector } },
  })
  for (const [name, one] of Object.entries(pods)) objects.set(`${folder}/${name}`, pod(name, one))
  const all = () => [...objects].filter(([path]) => path.startsWith(`${folder}/`)).map(([, one]) => one)
  const serving = () => all().filter(({ metadata }) => metadata.labels['k8s-app'] === 'kube-dns')
  const read = objects.get.bind(objects)
  objects.get = (path) => {
    if (path !== folder) return read(path)
    if (set.replaces && serving().length < 2) objects.set(`${folder}/new`, pod('new', { node: 'w1' }))
    return { items: all() }
  }
  const changes = () => asked.filter((line) => /^(PATCH|DELETE) .*\/(pods|deployments)\//.test(line))
  const places = () => Object.fromEntries(serving().map(({ metadata, spec }) => [metadata.name, spec.nodeName]))
  return { ...made, set, changes, places }
}

t.test('one pod leaves its Service, is replaced, and only then deleted', async (t) => {
  const { api, context, changes, places } = await withCoreDns(t, { a: { node: 'cp1' }, b: { node: 'cp1' } })
  const { summary } = await spreadCoreDns.run(wish, context('op-1'))
  t.match(summary, 'moved a away from cp1')
  t.same(changes(), [`PATCH ${folder}/a`, `DELETE ${folder}/a`], 'the Deployment is as it was')
  const replaced = api.asked.lastIndexOf(`GET ${folder}`)
  t.ok(replaced > api.asked.indexOf(`PATCH ${folder}/a`) && replaced < api.asked.indexOf(`DELETE ${folder}/a`))
  t.same(places(), { b: 'cp1', new: 'w1' })
  t.ok((await spreadCoreDns.run(wish, context('op-2'))).unchanged)
  t.match(await spreadCoreDns.evidence?.(wish, { ...context('op-3'), begunAtUnixMs: 0 }), { done: 'yes' })
})

t.test('what an interrupted move left is deleted, and nothing else', async (t) => {
  const pods = { a: { node: 'cp1' }, b: { node: 'cp1' }, c: { node: 'cp1', app: 'kube-dns-leaving' } }
  const { context, changes, places } = await withCoreDns(t, pods)
  const only = { header: undefined, onlyLeaving: true }
  t.match(await spreadCoreDns.evidence?.(only, { ...context('op-1'), begunAtUnixMs: 0 }), { done: 'no' })
  await spreadCoreDns.run(only, context('op-1'))
  t.same(changes(), [`DELETE ${folder}/c`])
  t.same(places(), { a: 'cp1', b: 'cp1' })
  t.ok((await spreadCoreDns.run(only, context('op-2'))).unchanged)
})

t.test('where that label is not what the ReplicaSet looks for, or admission refuses, all are restarted', async (t) => {
  const pods = { a: { node: 'cp1' }, b: { node: 'cp1' } }
  const other = await withCoreDns(t, pods, { app: 'coredns' })
  const rolled = (made: typeof other): void => {
    const { objects } = made.api
    const set = objects.set.bind(objects)
    objects.set = (path, value) => {
      if (path === deploymentPath) for (const name of ['a', 'b']) objects.delete(`${folder}/${name}`)
      return set(path, value)
    }
  }
  rolled(other)
  t.match((await spreadCoreDns.run(wish, other.context('op-1'))).summary, 'restarted')
  t.same(other.changes(), [`PATCH ${deploymentPath}`])
})

t.test('without CoreDNS there is nothing to move', async (t) => {
  const { context } = await controlPlaneNode(t)
  t.ok((await spreadCoreDns.run(wish, context('op-1'))).unchanged)
})

t.test('a control plane that leaves moves its CoreDNS pod likewise', async (t) => {
  const { api, context, write, changes } = await withCoreDns(t, { a: { node: nodeName }, b: { node: 'w2' } })
  write('/var/lib/quorate-agent/joined-by', JSON.stringify({ runId: context('op-0').header.runId, before: [] }))
  api.objects.set(`/api/v1/nodes/${nodeName}`, { metadata: { name: nodeName }, spec: {} })
  const list = `/api/v1/pods?fieldSelector=spec.nodeName%3D${nodeName}`
  const read = api.objects.get.bind(api.objects)
  api.objects.get = (path) => {
    const own = api.objects.has(`${folder}/a`) ? [read(`${folder}/a`)] : []
    return path === list ? { items: own } : read(path)
  }
  const { summary } = await drainNode.run({ header: undefined }, context('op-1'))
  t.match(summary, 'evicted 1 pod')
  t.same(changes(), [`PATCH ${folder}/a`, `DELETE ${folder}/a`])
})
