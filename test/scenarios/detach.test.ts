import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { leaseStore } from '@quorate/coordinator/engine/lease'
import { newRunId } from '@quorate/coordinator/engine/run-id'
import { statePaths } from '@quorate/coordinator/state/paths'
import { holds, notYet, until } from '@quorate/shared/until'
import t, { type Test } from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { members } from '../support/conversion-assertions.js'
import { goneSoon, isAlive, onTerminal, typed } from '../support/on-terminal.js'
import { clusterForTest, ended, journalOf, runOf } from '../support/simulated-cluster.js'

/** A command with --detach on a terminal of its own, which ends with it; what it says of its run. */
async function detached(t: Test, cluster: SimulatedCluster, args: readonly string[]) {
  const { exitCode, output } = await onTerminal(cluster, {
    args,
    when: (output) => output.includes('[y/n] '),
    act: ({ type }) => type('y\r'),
  })
  t.equal(exitCode, 0, args.join(' '), { output })
  const pid = Number(/kill (\d+)/.exec(output)?.[1])
  const run = /quorate watch (\S+)/.exec(output)?.[1] ?? ''
  t.equal(run, runOf(cluster), 'it names its run')
  t.teardown(() => {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  })
  return { pid, run }
}

const begunStep = (cluster: SimulatedCluster, step: string) =>
  until(
    `the step ${step}`,
    async () => {
      const has = journalOf(cluster).some((event) => event.kind === 'step-started' && event.step === step)
      return has ? holds(true) : notYet('not yet')
    },
    { deadlineMs: 60_000, everyMs: 50 },
  )

const noLog = (cluster: SimulatedCluster): boolean => readdirSync(statePaths(cluster.stateFolder).logs).length === 0

t.test('a run that was started with --detach goes on without its terminal', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const asking = ['convert', '-f', cluster.clusterFile, '--detach']
  const convert = [...asking, '--yes']

  const changed = typed(cluster, [...convert, '--plan', '0'.repeat(64)])
  t.match(changed, { exitCode: 3, stderr: /the approved plan is 0000/ })
  const lease = await leaseStore(statePaths(cluster.stateFolder).leases).acquire('simulated', newRunId(Date.now()))
  const held = typed(cluster, convert)
  t.match(
    held,
    { exitCode: 6, stderr: /holds this cluster/ },
    'what only the process in the background meets comes through',
  )
  t.equal(held.stdout.match(/Plan hash/g)?.length, 1, 'the plan is shown once')
  t.match(JSON.parse(typed(cluster, [...convert, '-o', 'json']).stderr), { error: { code: 'CLUSTER_HELD' } })
  await lease.release()
  const cancelled = await onTerminal(cluster, {
    args: convert,
    when: (output) => output.includes('Plan hash'),
    act: ({ type }) => type('\u0003'),
  })
  t.match(cancelled, { exitCode: 130, output: /stopped before its run began/ }, 'Ctrl-C before the run has begun')
  t.ok(noLog(cluster), 'what could not begin leaves no log')
  t.notMatch((await cluster.quorate(['status', '-o', 'json'])).stdout, /"id"/, 'and no run')

  const first = await detached(t, cluster, asking)
  t.ok(isAlive(first.pid))
  const stat = readFileSync(`/proc/${first.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  t.equal(Number(stat[3]), first.pid, 'a session of its own')
  process.kill(first.pid, 'SIGHUP')
  await begunStep(cluster, 'regenerate-apiserver-certificate')
  process.kill(first.pid, 'SIGTERM')
  const watched = await cluster.quorate(['watch', first.run])
  ended(t, watched, 130)
  t.match(watched.stdout, /ended: interrupted/)
  await goneSoon(first.pid)

  const second = await detached(t, cluster, ['resume', first.run, '--detach'])
  t.equal(second.run, first.run)
  const status = await cluster.quorate(['status', first.run])
  t.match(status.stdout, new RegExp(`kill ${second.pid}`), 'status says how to stop it')
  ended(t, await cluster.quorate(['watch', first.run]))
  await goneSoon(second.pid)
  t.equal((await members(cluster)).length, 3)
  const logs = readdirSync(statePaths(cluster.stateFolder).logs)
  t.match(
    readFileSync(
      join(statePaths(cluster.stateFolder).logs, logs.find((name) => name.startsWith('resume')) ?? ''),
      'utf8',
    ),
    /resumed[\s\S]*ended: done[\s\S]*This report as an HTML page/,
  )
  t.match(
    typed(cluster, ['resume', first.run, '--detach']),
    { exitCode: 0, stdout: /This report as an HTML page/ },
    'one that is done',
  )

  const third = await detached(t, cluster, ['rollback', first.run, '--yes', '--detach'])
  ended(t, await cluster.quorate(['watch', first.run]))
  await goneSoon(third.pid)
  t.match((await cluster.quorate(['status', first.run])).stdout, /rolled-back/)
  t.equal((await members(cluster)).length, 1)
})
