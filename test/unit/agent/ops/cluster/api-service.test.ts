import { applyApiService } from '@quorate/agent/ops/apply-api-service'
import { deleteApiService } from '@quorate/agent/ops/delete-api-service'
import t, { type Test } from 'tap'
import { type ControlPlaneNode, controlPlaneNode } from '../../../../support/control-plane-node.js'

const path = '/api/v1/namespaces/kube-system/services/quorate-apiserver'
const request = { header: undefined, port: 31170, targetPort: 6443, address: '' }
const undo = { header: undefined }

const specOf = ({ api }: ControlPlaneNode) => api.objects.get(path)?.['spec']

async function applied(t: Test): Promise<ControlPlaneNode> {
  const node = await controlPlaneNode(t)
  await applyApiService.run(request, node.context('op-1'))
  return node
}

t.test('made, asked again nothing, and taken away by the run that made it', async (t) => {
  const node = await applied(t)
  t.match(specOf(node), { type: 'NodePort', ports: [{ port: 6443, targetPort: 6443, nodePort: 31170 }] })
  t.ok((await applyApiService.run(request, node.context('op-2'))).unchanged)
  await deleteApiService.run(undo, node.context('op-3'))
  t.notOk(node.api.objects.has(path))
  const look = { ...node.context('op-3'), begunAtUnixMs: 0 }
  t.match(await deleteApiService.evidence?.(undo, look), { done: 'yes' })
  t.ok((await deleteApiService.run(undo, node.context('op-4'))).unchanged)
})

t.test('that of an earlier run comes back as this one found it', async (t) => {
  const node = await applied(t)
  const before = { ...specOf(node), ports: [{ name: 'https', port: 6443, targetPort: 6443, nodePort: 30000 }] }
  node.api.objects.set(path, { ...node.api.objects.get(path), spec: before })
  const later = (id: string) => {
    const context = node.context(id)
    return { ...context, header: { ...context.header, runId: '20261123t000000-later1' } }
  }
  await applyApiService.run(request, later('op-2'))
  t.match(specOf(node), { ports: [{ nodePort: 31170 }] })
  const look = { ...later('op-3'), begunAtUnixMs: 0 }
  t.match(await deleteApiService.evidence?.(undo, look), { done: 'no' })
  await deleteApiService.run(undo, later('op-3'))
  t.same(specOf(node), before)
  t.match(await deleteApiService.evidence?.(undo, look), { done: 'yes' })
  t.ok((await deleteApiService.run(undo, later('op-4'))).unchanged)
})
