import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectCri } from '@quorate/agent/host/cri-client'
import { LinuxHost } from '@quorate/agent/host/linux-host'
import { listContainers } from '@quorate/agent/ops/list-containers'
import { restartStaticPod } from '@quorate/agent/ops/restart-static-pod'
import t, { type Test } from 'tap'
import { container, startContainerRuntime } from '../../../../support/container-runtime.js'
import { controlPlaneNode } from '../../../../support/control-plane-node.js'

async function prepared(t: Test) {
  const root = mkdtempSync(join(tmpdir(), 'cri-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  const runtime = await startContainerRuntime(t, join(root, 'c.sock'))
  const node = await controlPlaneNode(t)
  const context = node.context()
  const tools = { ...context.tools, cri: () => connectCri(new LinuxHost(root), '/c.sock') }
  return { runtime, context: { ...context, tools } }
}

t.test('ends when a container with another id runs', async (t) => {
  const { runtime, context } = await prepared(t)
  runtime.containers = [container('old', 'kube-scheduler', 4), container('other', 'kube-apiserver')]
  runtime.onStop = () => setTimeout(() => runtime.containers.push(container('new', 'kube-scheduler', 5)), 300)
  const { facts } = await restartStaticPod.run({ header: undefined, component: 'kube-scheduler' }, context)
  t.match(facts, { container_id: 'new', previous_container_id: 'old' })
  t.same(runtime.stopped, ['old 30'])
  const listed = await listContainers.run({ names: ['kube-scheduler'] }, context.tools, context.signal)
  t.same(
    listed.containers.map(({ id, state, attempt }) => [id, state, attempt]),
    [
      ['old', 'exited', 4],
      ['new', 'running', 5],
    ],
  )
})

t.test('only what is in the table: not etcd, not a pod of a user', async (t) => {
  const { runtime, context } = await prepared(t)
  runtime.containers = [container('e', 'etcd')]
  for (const component of ['etcd', 'coredns', '']) {
    await t.rejects(restartStaticPod.run({ header: undefined, component }, context), { code: 'NOT_IN_TABLE' })
  }
  t.same(runtime.stopped, [])
})

t.test('a stop of the agent is not mistaken for a restart', async (t) => {
  const { runtime, context } = await prepared(t)
  runtime.containers = [container('old', 'kube-scheduler')]
  const stop = new AbortController()
  runtime.onStop = () => setTimeout(() => stop.abort(new Error('stopped')), 100)
  await t.rejects(
    restartStaticPod.run({ header: undefined, component: 'kube-scheduler' }, { ...context, signal: stop.signal }),
    { message: 'stopped' },
  )
})
