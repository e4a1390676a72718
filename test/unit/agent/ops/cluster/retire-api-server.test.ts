import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectCri } from '@quorate/agent/host/cri-client'
import { LinuxHost } from '@quorate/agent/host/linux-host'
import { retireApiServer } from '@quorate/agent/ops/retire-api-server'
import t, { type Test } from 'tap'
import { container, startContainerRuntime } from '../../../../support/container-runtime.js'
import { controlPlaneNode } from '../../../../support/control-plane-node.js'

const wish = { header: undefined, unlessInEndpoints: false, untilUnixMs: 0 }

async function prepared(t: Test) {
  const root = mkdtempSync(join(tmpdir(), 'cri-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  const runtime = await startContainerRuntime(t, join(root, 'c.sock'))
  runtime.containers = [container('server', 'kube-apiserver'), container('db', 'etcd')]
  const node = await controlPlaneNode(t)
  const context = (id: string) => {
    const one = node.context(id)
    return { ...one, tools: { ...one.tools, cri: () => connectCri(new LinuxHost(root), '/c.sock') } }
  }
  return { runtime, node, context }
}

t.test('the API server of a node that this run joined ends with grace, and etcd stays', async (t) => {
  const { runtime, node, context } = await prepared(t)
  const first = context('op-1')
  node.write('/var/lib/quorate-agent/joined-by', JSON.stringify({ runId: first.header.runId, before: [] }))
  const look = { ...first, begunAtUnixMs: 0 }
  t.match(await retireApiServer.evidence?.(wish, look), { done: 'no' })
  t.notOk((await retireApiServer.run(wish, first)).unchanged)
  t.same(runtime.stopped, ['server 5'])
  t.match(await retireApiServer.evidence?.(wish, look), { done: 'yes' })
  t.ok((await retireApiServer.run(wish, context('op-2'))).unchanged)
})

t.test('nothing is stopped on a node that this run did not join', async (t) => {
  const { runtime, node, context } = await prepared(t)
  await t.rejects(retireApiServer.run(wish, context('op-1')), { code: 'NOT_JOINED_BY_THIS_RUN' })
  node.write('/var/lib/quorate-agent/joined-by', JSON.stringify({ runId: '20250101t000000-zzzzzz', before: [] }))
  await t.rejects(retireApiServer.run(wish, context('op-2')), { code: 'NOT_JOINED_BY_THIS_RUN' })
  t.same(runtime.stopped, [])
})
