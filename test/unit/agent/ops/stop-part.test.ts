import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Part } from '@quorate/shared/gen/quorate/v1/node_agent'
import t from 'tap'
import { restorePart } from '../../../../agent/src/ops/restore-part.js'
import { stopPart } from '../../../../agent/src/ops/stop-part.js'
import { container, startContainerRuntime } from '../../../support/container-runtime.js'
import { OpsNode, rejected, runId } from '../../../support/ops-node.js'

const balancer = {
  part: Part.PART_LOAD_BALANCER,
  restoreAfterSeconds: 60,
  withoutQuorum: false,
  handedOver: false,
  unlessInEndpoints: false,
  untilUnixMs: 0,
}

async function nodeWithBalancer(test: Parameters<typeof OpsNode.make>[0]): Promise<OpsNode> {
  const node = await OpsNode.make(test)
  for (const unit of ['quorate-haproxy', 'quorate-keepalived']) node.unit(unit, 'active', 'enabled')
  return node
}

const look = (node: OpsNode) => ({
  tools: node.tools,
  header: { operationId: 'op-look', runId, cluster: 'prod', fencingToken: 1 },
  begunAtUnixMs: 0,
  signal: new AbortController().signal,
})

t.test('the timer that brings it back is armed before anything stops, and disarmed when all of it runs', async (t) => {
  const node = await nodeWithBalancer(t)
  const { facts } = await node.change(stopPart, balancer)
  t.equal(facts['stopped'], 'quorate-haproxy quorate-keepalived')
  t.same(node.serviceCommands(), [
    'in 60 s: systemctl start quorate-haproxy quorate-keepalived',
    'stop quorate-haproxy quorate-keepalived',
  ])
  t.match(await stopPart.evidence?.({ header: undefined, ...balancer }, look(node)), { done: 'yes' })
  t.match(await restorePart.evidence?.({ header: undefined, part: balancer.part }, look(node)), { done: 'no' })

  const restored = await node.change(restorePart, { part: balancer.part })
  t.equal(restored.unchanged, false)
  t.same(node.serviceCommands().slice(2), ['start quorate-haproxy quorate-keepalived'])
  t.equal(node.sha256('/run/units/quorate-put-back.timer'), undefined, 'disarmed')
  t.match(await restorePart.evidence?.({ header: undefined, part: balancer.part }, look(node)), { done: 'yes' })
  t.equal((await node.change(restorePart, { part: balancer.part })).unchanged, true)
})

t.test(
  'nothing is stopped without a timer, under the timer of another, or if no reboot would bring it back',
  async (t) => {
    const node = await nodeWithBalancer(t)
    node.write('/run/timer-fails', '')
    t.match(await rejected(node.change(stopPart, balancer)), { code: 'COMMAND_FAILED', message: /nothing was stopped/ })
    t.same(node.serviceCommands(), [])

    const second = await nodeWithBalancer(t)
    await second.change(stopPart, balancer)
    t.match(await rejected(second.change(stopPart, balancer)), { code: 'NODE_BUSY' })

    const third = await nodeWithBalancer(t)
    third.unit('quorate-keepalived', 'active', 'disabled')
    t.match(await rejected(third.change(stopPart, balancer)), {
      code: 'COMMAND_FAILED',
      message: /quorate-keepalived is active, disabled/,
    })
    third.unit('quorate-keepalived', 'inactive', 'enabled')
    t.match(await rejected(third.change(stopPart, balancer)), {
      code: 'COMMAND_FAILED',
      message: /quorate-keepalived is inactive/,
    })
    t.same(third.serviceCommands(), [])
  },
)

t.test('no etcd is stopped where there is none', async (t) => {
  const node = await nodeWithBalancer(t)
  await t.rejects(node.change(stopPart, { ...balancer, part: Part.PART_ETCD }), 'this node has no kubelet')
  t.same(node.serviceCommands(), [])
})

t.test(
  'a control plane whose controller-manager ended as it gave up its Lease is stopped; one that lacks another part is not',
  async (t) => {
    const node = await nodeWithBalancer(t)
    node.unit('kubelet', 'active', 'enabled')
    mkdirSync(join(node.root, 'run/containerd'), { recursive: true })
    const runtime = await startContainerRuntime(t, join(node.root, 'run/containerd/containerd.sock'))
    runtime.containers = ['kube-apiserver', 'kube-scheduler'].map((name) => container(name, name))
    const whole = { ...balancer, part: Part.PART_CONTROL_PLANE, withoutQuorum: true }
    t.match(await rejected(node.change(stopPart, whole)), { message: /kube-controller-manager does not run here/ })
    const { facts } = await node.change(stopPart, { ...whole, handedOver: true })
    t.match(facts['stopped'], /^kube-apiserver kube-scheduler kubelet/)

    const second = await nodeWithBalancer(t)
    second.unit('kubelet', 'active', 'enabled')
    mkdirSync(join(second.root, 'run/containerd'), { recursive: true })
    const other = await startContainerRuntime(t, join(second.root, 'run/containerd/containerd.sock'))
    other.containers = ['kube-controller-manager', 'kube-scheduler'].map((name) => container(name, name))
    t.match(await rejected(second.change(stopPart, { ...whole, handedOver: true })), {
      message: /kube-apiserver does not run here/,
    })
    t.same(second.serviceCommands(), [])
  },
)
