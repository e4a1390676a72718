import { drainNode } from '@quorate/agent/ops/drain-node'
import t, { type Test } from 'tap'
import { controlPlaneNode, nodeName } from '../../../../support/control-plane-node.js'

const wish = { header: undefined }
const list = `/api/v1/pods?fieldSelector=spec.nodeName%3D${nodeName}`
const node = `/api/v1/nodes/${nodeName}`
const pod = (name: string, metadata: object = {}, status: object = {}) => ({
  metadata: { name, namespace: 'default', ...metadata },
  status,
})

async function prepared(t: Test, pods: readonly object[]) {
  const made = await controlPlaneNode(t)
  const { runId } = made.context('op-0').header
  made.write('/var/lib/quorate-agent/joined-by', JSON.stringify({ runId, before: [] }))
  made.api.objects.set(node, { metadata: { name: nodeName }, spec: {} })
  made.api.objects.set(list, { items: pods })
  const evicted = (): string[] =>
    made.api.asked.flatMap((line) => /^POST .*\/pods\/([^/]+)\/eviction$/.exec(line)?.slice(1) ?? [])
  return { ...made, evicted }
}

t.test('what can go is evicted, static pods and those of DaemonSets stay', async (t) => {
  const { context, api, evicted } = await prepared(t, [
    pod('web'),
    pod('etcd', {
      annotations: { 'kubernetes.io/config.mirror': 'x' },
      ownerReferences: [{ kind: 'Node', name: 'x' }],
    }),
    pod('proxy', { ownerReferences: [{ kind: 'DaemonSet', name: 'kube-proxy' }] }),
    pod('job', {}, { phase: 'Succeeded' }),
  ])
  await drainNode.run(wish, context('op-1'))
  t.same(evicted(), ['web'])
  t.equal(api.objects.get(node)?.['spec'].unschedulable, true, 'no other pod comes meanwhile')
})

t.test('a disruption budget is waited for; a node that this run did not join is left alone', async (t) => {
  const { context, api, evicted, write } = await prepared(t, [pod('web')])
  const asked = api.asked.length
  const running = drainNode.run(wish, context('op-1'))
  while (!api.asked.slice(asked).some((line) => line.startsWith('GET /api/v1/pods')))
    await new Promise((resolve) => setTimeout(resolve, 1))
  api.refuse(1, "Cannot evict pod as it would violate the pod's disruption budget.")
  await running
  t.ok(evicted().length >= 1)

  write('/var/lib/quorate-agent/joined-by', JSON.stringify({ runId: '20250101t000000-zzzzzz', before: [] }))
  await t.rejects(drainNode.run(wish, context('op-2')), { code: 'NOT_JOINED_BY_THIS_RUN' })
})
