import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { answers } from '../../lab/simulated/probing.js'
import { CoordinatorProcess } from '../support/coordinator-process.js'
import { SimulatedAgents } from '../support/simulated-agents.js'
import { clusterForTest, ended, hashFiles } from '../support/simulated-cluster.js'

interface Report {
  readonly outcome: string
  readonly scenarios: readonly {
    readonly id: string
    readonly verdict: string
    readonly stopped: readonly string[]
    readonly seen: readonly {
      readonly place: string
      readonly asked: number
      readonly outages: readonly { readonly from: string; readonly to: string }[]
    }[]
    readonly longestGapMs?: number
    readonly fullHealthSeconds?: number
  }[]
}

const downSeconds = 4
const consent = ['--yes', '--i-know-this-takes-parts-down']
const drill = (cluster: SimulatedCluster, ...args: readonly string[]): string[] => [
  ...['drill', '-f', cluster.clusterFile, '-o', 'json', ...consent],
  ...args,
]
const reportIn = (stdout: string): Report =>
  JSON.parse(stdout.split('\n').find((line) => line.startsWith('{"type":"drill-report"')) ?? '{}') as Report

const inRest = (files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(files).filter(([path]) => !/\/(var\/lib|run)\/quorate-agent\/|\/var\/lib\/etcd\//.test(path)),
  )

async function untilVerified(cluster: SimulatedCluster): Promise<number> {
  for (const deadline = Date.now() + 90_000; ; await pause(500)) {
    const { exitCode } = await cluster.quorate(['verify', '-f', cluster.clusterFile])
    if (exitCode === 0 || Date.now() > deadline) return exitCode
  }
}

t.test('a drill of a converted cluster', async (t) => {
  const cluster = await clusterForTest(t)
  const notYet = await cluster.quorate(drill(cluster))
  ended(t, notYet, 7)
  t.notMatch(notYet.stdout, /run-started/, 'before the conversion nothing is stopped')
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))
  t.equal(await untilVerified(cluster), 0)
  const before = hashFiles(cluster)

  await t.test('every scenario, and the cold start: all is survived, brought back and measured', async (t) => {
    const run = await cluster.quorate(drill(cluster, '--cold-start', '--down-for', `${downSeconds}`))
    ended(t, run)
    const report = reportIn(run.stdout)
    t.equal(report.outcome, 'done')
    t.same(
      report.scenarios.map(({ id, verdict }) => `${id} ${verdict}`),
      ['api-server', 'etcd-leader', 'load-balancer', 'control-plane', 'cold-start'].map((id) => `${id} survived`),
    )
    for (const { id, stopped, seen, longestGapMs = -1, fullHealthSeconds = -1 } of report.scenarios) {
      t.comment(JSON.stringify({ id, longestGapMs, fullHealthSeconds, stopped, seen }))
      t.equal(stopped.length, id === 'cold-start' ? 3 : 1, 'it says what was stopped, where and when')
      t.equal(new Set(seen.map(({ place }) => place)).size, 2, 'watched from two places')
      t.ok(seen.every(({ asked }) => asked > 10))
      t.ok(fullHealthSeconds >= 0)
      // Not how long it took, which is the machine's: whether anybody had an answer before the part was back.
      const from = Date.parse(/ at (\S+), for/.exec(stopped[0] ?? '')?.[1] ?? '')
      const lastedAllTheWhile = seen.some(({ outages }) =>
        outages.some(
          (outage) => Date.parse(outage.from) <= from + 500 && Date.parse(outage.to) >= from + downSeconds * 1000,
        ),
      )
      t.equal(lastedAllTheWhile, id === 'cold-start', 'only in a cold start nobody has an answer')
    }
    t.same(inRest(hashFiles(cluster)), inRest(before), 'no file is another')
    const [, id = ''] = /"run":"([0-9a-z-]+)"/.exec(run.stdout) ?? []
    ended(t, await cluster.quorate(['report', id]))
    ended(t, await cluster.quorate(['resume', id]), 2)
    ended(t, await cluster.quorate(['rollback', id, '--yes']), 2)
  })

  await t.test(
    'coordinator and agent killed in its middle: the node brings back by itself what was stopped',
    async (t) => {
      const process = new CoordinatorProcess(
        cluster,
        drill(cluster, '--only', 'control-plane', '--down-for', '10', '--restore-after', '15'),
      )
      await process.said(/"message":"down for/)
      process.kill('SIGKILL')
      const { stdout } = await process.ended
      const [, stopped = ''] = /"message":"down for [^:]*: ([^",]+)/.exec(stdout) ?? []
      await cluster.stopAgent(stopped)
      t.notOk(await answers(cluster.node(stopped).address, 6443), 'it is down')
      const isBack = () => answers(cluster.node(stopped).address, 6443)
      for (const deadline = Date.now() + 60_000; !(await isBack()) && Date.now() < deadline; ) await pause(200)
      t.ok(await isBack(), 'it came back by itself')
      await cluster.startAgent(cluster.node(stopped))
      t.equal(await untilVerified(cluster), 0)
    },
  )

  await t.test(
    'two coordinators: the cluster is held by one; interrupted, it names no command that drills refuse',
    async (t) => {
      const first = new CoordinatorProcess(
        cluster,
        drill(cluster, '--only', 'api-server,load-balancer', '--down-for', '6'),
      )
      await first.said(/run-started/)
      ended(t, await cluster.quorate(drill(cluster)), 6)
      first.kill('SIGINT')
      const { stdout } = await first.ended
      t.match(stdout, /"code":"INTERRUPTED"[^}]*runbook\.md#drill/)
      t.notMatch(stdout, /quorate (resume|rollback)/)
    },
  )

  // With fencing tokens of their own, above any coordinator's: these are the last.
  await t.test('an agent refuses to stop a second part, and etcd where its quorum would be lost', async (t) => {
    const agents = new SimulatedAgents(t, cluster)
    const fence = 1_000
    const stop = (node: string, id: string, part: string, withoutQuorum = false) =>
      agents.change(
        node,
        'stopPart',
        id,
        { part, restoreAfterSeconds: 60, withoutQuorum, handedOver: false, unlessInEndpoints: false, untilUnixMs: 0 },
        fence,
      )
    const restore = (node: string, id: string, part: string) => agents.change(node, 'restorePart', id, { part }, fence)

    await stop('cp2', 'stop-1', 'PART_CONTROL_PLANE')
    await t.rejects(stop('cp2', 'stop-2', 'PART_API_SERVER'), { code: 'NODE_BUSY' })
    await t.rejects(stop('cp3', 'stop-3', 'PART_ETCD'), { code: 'QUORUM_AT_RISK' })
    await t.rejects(stop('cp3', 'stop-4', 'PART_CONTROL_PLANE'), { code: 'QUORUM_AT_RISK' })
    const down = await cluster.quorate(drill(cluster, '--only', 'api-server'))
    ended(t, down, 7)
    const back = await restore('cp2', 'restore-1', 'PART_CONTROL_PLANE')
    t.equal(back.unchanged, false)
    t.equal((await restore('cp2', 'restore-2', 'PART_CONTROL_PLANE')).unchanged, true, 'asked again: nothing to do')
    t.equal(await untilVerified(cluster), 0)
  })

  await t.test('a power cut in its middle: the node boots into what it was', async (t) => {
    const agents = new SimulatedAgents(t, cluster)
    const request = {
      ...{ part: 'PART_ETCD', restoreAfterSeconds: 600, withoutQuorum: false },
      ...{ handedOver: false, unlessInEndpoints: false, untilUnixMs: 0 },
    }
    await agents.change('cp3', 'stopPart', 'stop-5', request, 1_000)
    await cluster.kill('cp3')
    await cluster.control.ask('bootNode', { node: cluster.node('cp3').name })
    await cluster.startAgent(cluster.node('cp3'))
    t.equal(await untilVerified(cluster), 0)
  })
})
