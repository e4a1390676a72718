import { writeFileSync } from 'node:fs'
import t from 'tap'
import { clusterForTest, ended } from '../support/simulated-cluster.js'
import { clusterState, stateDifferences } from './parts/cluster-state.js'
import { doubleExecutions } from './parts/executions.js'
import { runsOf } from './parts/play.js'

t.test('disks that fill while a run goes on: it stops with the remedy, and goes on when there is room', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const before = await clusterState(cluster)
  const node = cluster.node('cp1').name
  const operatorDisk = (below: string): void => writeFileSync(`${cluster.faultFile('operator')}.full`, below)
  const agentDisk = (below: string): Promise<void> => cluster.control.ask('fillDisk', { node, below })

  await t.test("the coordinator's", async (t) => {
    const fills = (chunk: string): void => {
      if (/\] start-load-balancer:/.test(chunk)) operatorDisk(cluster.stateFolder)
    }
    const full = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'], fills)
    ended(t, full, 4)
    t.match(full.stdout + full.stderr, /no space left[\s\S]*Free space on the disk/)
    operatorDisk('')
  })

  await t.test("then the first control plane's agent's", async (t) => {
    const [run = ''] = runsOf(cluster)
    const fills = (chunk: string): void => {
      if (/\] update-kube-proxy: Update/.test(chunk)) void agentDisk('/var/lib/quorate-agent')
    }
    const full = await cluster.quorate(['resume', run], fills)
    ended(t, full, 4)
    t.match(full.stdout + full.stderr, /ENOSPC|no space left|room/i)
    await agentDisk('')
    ended(t, await cluster.quorate(['resume', run]))
    ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]))
    t.same(await doubleExecutions(cluster), [])
  })

  await t.test("and the coordinator's on the way back", async (t) => {
    const [run = ''] = runsOf(cluster)
    const fills = (chunk: string): void => {
      if (/\] update-cluster-info: .*undoing/.test(chunk)) operatorDisk(cluster.stateFolder)
    }
    ended(t, await cluster.quorate(['rollback', run, '--yes'], fills), 4)
    operatorDisk('')
    ended(t, await cluster.quorate(['rollback', run, '--yes']))
    t.same(stateDifferences(before, await clusterState(cluster)), [], 'all is as before')
    t.same(await doubleExecutions(cluster), [])
  })
})
