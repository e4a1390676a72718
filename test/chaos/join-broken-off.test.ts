import { LinuxHost } from '@quorate/agent/host/linux-host'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { readyToJoin } from '../support/simulated-agents.js'

const joinFolders = ['/etc/kubernetes', '/var/lib/etcd', '/var/lib/kubelet', '/etc/cni/net.d']

const treeOf = async (cluster: SimulatedCluster, name: string) => {
  const host = new LinuxHost(cluster.node(name).root)
  return (await Promise.all(joinFolders.map((folder) => host.tree(folder)))).flat()
}

t.test('a learner that was never promoted: promoted, and its join finished', async (t) => {
  const { cluster, agents, join } = await readyToJoin(t, 'etcd-join/promote')
  const before = await treeOf(cluster, 'cp2')
  await t.rejects(agents.change('cp2', 'joinControlPlane', 'join-1', join), { code: 'COMMAND_FAILED' })
  t.match((await agents.read('cp2', 'examineOperation', { operationId: 'join-1' })).evidence, {
    state: 'failed',
    facts: {
      done: 'no',
      etcd_manifest: 'yes',
      apiserver_manifest: 'yes',
      kubelet_conf: 'no',
      joined_by_this_run: 'yes',
    },
  })
  const learner = (await agents.read('cp1', 'listEtcdMembers')).members.find((member) => member.learner)
  t.ok(learner)
  await t.rejects(agents.change('cp2', 'finishJoin', 'finish-0', join), {
    code: 'ETCD_REFUSED',
    message: /still a learner/,
  })
  const promoted = await agents.change('cp1', 'promoteEtcdMember', 'promote', { memberId: learner?.id })
  t.match(promoted, { unchanged: false })
  t.match(await agents.change('cp2', 'finishJoin', 'finish-1', join), { unchanged: false })
  const { evidence } = await agents.read('cp2', 'examineOperation', { operationId: 'join-1' })
  t.match(evidence?.facts, { done: 'yes', local_etcd: 'yes', etcd_learner: 'no', node_name: cluster.node('cp2').name })
  t.match(await agents.change('cp2', 'finishJoin', 'finish-2', join), { unchanged: true })

  await t.test('and taken back: the node is byte for byte what it was', async (t) => {
    const { members } = await agents.read('cp1', 'listEtcdMembers')
    const own = members.find(({ name }) => name === cluster.node('cp2').name)
    await agents.change('cp1', 'removeEtcdMember', 'remove', { memberId: own?.id })
    const reset = await agents.change('cp2', 'resetNode', 'reset')
    t.equal(reset.facts['fingerprint_before'], reset.facts['fingerprint_after'], reset.summary)
    t.same(await treeOf(cluster, 'cp2'), before)
  })
})

t.test('a join that broke off anywhere is taken back without a trace, and the node joins again', async (t) => {
  const { cluster, agents, place, join } = await readyToJoin(t, 'etcd-join/wait')
  const before = await treeOf(cluster, 'cp2')
  const phases = ['etcd-join/wait', 'etcd-join/promote', 'kubelet-start', 'control-plane-prepare/certs']
  for (const [attempt, failJoinPhase] of phases.entries()) {
    await cluster.setFaults('cp2', { failJoinPhase })
    if (attempt > 0) await place(attempt + 1)
    await t.rejects(agents.change('cp2', 'joinControlPlane', `join-${attempt}`, join), { code: 'COMMAND_FAILED' })
    const { summary } = await agents.change('cp2', 'resetNode', `reset-${attempt}`)
    t.match(summary, /byte for byte/, failJoinPhase)
    t.same(await treeOf(cluster, 'cp2'), before, failJoinPhase)
    t.equal((await agents.read('cp1', 'listEtcdMembers')).members.length, 1, failJoinPhase)
    await cluster.control.ask('kube', { method: 'DELETE', path: `/api/v1/nodes/${cluster.node('cp2').name}` })
  }
  await cluster.setFaults('cp2', { failJoinPhase: '' })
  await place(9)
  t.match(await agents.change('cp2', 'joinControlPlane', 'join-9', join), { unchanged: false })
})
