import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { readyToJoin, SimulatedAgents } from '../support/simulated-agents.js'
import { clusterForTest } from '../support/simulated-cluster.js'

const soon = () => new Promise((resolve) => setTimeout(resolve, 50))

const ledgerOf = (cluster: SimulatedCluster, name: string) =>
  readFileSync(join(cluster.node(name).root, 'var/lib/quorate-agent/ledger.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; id?: string; method?: string })

async function untilLogged(cluster: SimulatedCluster, name: string, what: RegExp): Promise<void> {
  for (const end = Date.now() + 60_000; !what.test(cluster.agentLog(name)); await soon())
    if (Date.now() > end)
      throw new Error(`the agent of ${name} never said ${what}:\n${cluster.agentLog(name).slice(-3000)}`)
}

t.test('an agent killed while its node joins comes back and follows; the conversion does not notice', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const converting = cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
  await untilLogged(cluster, 'cp2', /\[etcd\] Announced new etcd member/)
  await cluster.stopAgent(cluster.node('cp2').name)
  await cluster.startAgent(cluster.node('cp2'))
  const converted = await converting
  t.equal(converted.exitCode, 0, converted.exitCode === 0 ? 'converted' : converted.stdout + converted.stderr)
  t.match(cluster.agentLog('cp2'), /operation resumed.*joinControlPlane/)
  const lines = ledgerOf(cluster, 'cp2')
  const joins = lines.filter(({ method }) => method === 'joinControlPlane')
  t.equal(joins.length, 1, 'begun once')
  t.equal(lines.filter(({ kind, id }) => kind === 'result' && id === joins[0]?.id).length, 1, 'its end written once')
  const { members } = await new SimulatedAgents(t, cluster).read('cp1', 'listEtcdMembers')
  t.equal(members.length, 3)
  t.notOk(members.some(({ learner }) => learner))
})

t.test('a node without power between learner and vote: what was begun is not begun again', async (t) => {
  const { cluster, agents, join } = await readyToJoin(t)
  const joining = agents.change('cp2', 'joinControlPlane', 'join-1', join).catch((error: unknown) => error)
  await untilLogged(cluster, 'cp2', /\[etcd\] Announced new etcd member/)
  await cluster.kill('cp2')
  await joining
  await cluster.control.ask('bootNode', { node: cluster.node('cp2').name })
  await cluster.startAgent(cluster.node('cp2'))
  await t.rejects(agents.change('cp2', 'joinControlPlane', 'join-1', join), { code: 'OPERATION_UNKNOWN_OUTCOME' })
  const { evidence } = await agents.read('cp2', 'examineOperation', { operationId: 'join-1' })
  t.match(evidence, {
    state: 'interrupted',
    unitState: 'not-found',
    facts: { joined_by_this_run: 'yes', joined_at: '' },
  })
})
