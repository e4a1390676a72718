import t, { type Test } from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { asBefore } from '../support/as-before.js'
import { members } from '../support/conversion-assertions.js'
import { CoordinatorProcess } from '../support/coordinator-process.js'
import { clusterForTest, ended, everything, journalOf } from '../support/simulated-cluster.js'

type Sent = { readonly kind: string; readonly node?: string; readonly action?: unknown; readonly method?: string }

const beginnings = (events: readonly Sent[]): Sent[] =>
  events.filter(({ kind }) => kind === 'action-started' || kind === 'undo-started')

interface Stop {
  readonly args: readonly string[]
  /** The moment at which the first signal comes: something runs on a node. */
  readonly when: RegExp
  readonly signal: NodeJS.Signals
  readonly end: string
}

/** Sends a signal, then a second one; what runs has to come to its end, nothing new may begin, and both must be explained. */
async function stopped(t: Test, cluster: SimulatedCluster, { args, when, signal, end }: Stop): Promise<string> {
  const quorate = new CoordinatorProcess(cluster, args)
  await quorate.said(when)
  const begun = beginnings(journalOf(cluster)).length
  quorate.kill(signal)
  await quorate.said(/Stopping: running actions finish, no new ones start/)
  quorate.kill(signal)
  await quorate.said(/kill -9\) does not stop it/)
  const run = await quorate.ended
  ended(t, run, 130)
  t.match(run.stdout + run.stderr, /[Ss]topped at a safe place/, 'it says so')
  t.notMatch(run.stderr, /uncaught|unhandled/i)
  const events = journalOf(cluster) as Sent[]
  const late = beginnings(events).slice(begun + 1)
  t.same(late, [], 'nothing new was begun')
  const last = events.at(-1) as { kind: string; outcome?: string }
  t.match(last, { kind: end, outcome: 'interrupted' })
  const open = events.filter(({ kind }) => kind === 'operation-sent').length
  const over = events.filter(({ kind }) => kind === 'operation-done' || kind === 'operation-failed').length
  t.equal(over, open, 'every operation came to its end')
  return /run (\d{8}t\d{6}-[a-z0-9]{6})/.exec(run.stdout)?.[1] ?? ''
}

t.test('Ctrl-C, SIGTERM and SIGHUP stop a conversion, its resumption and its rollback at a safe place', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const before = await everything(cluster)
  const convert = ['convert', '-f', cluster.clusterFile, '--yes']
  const run = await stopped(t, cluster, {
    args: convert,
    when: /regenerate-apiserver-certificate: k8smaster1[^\n]*issue/,
    signal: 'SIGINT',
    end: 'run-ended',
  })
  t.match((await cluster.quorate(['status', run])).stdout, /interrupted/)
  await stopped(t, cluster, {
    args: ['resume', run],
    when: /rewrite-worker-kubeconfigs: k8sworker1[^\n]*point/,
    signal: 'SIGTERM',
    end: 'run-ended',
  })
  ended(t, await cluster.quorate(['resume', run]))
  t.equal((await members(cluster)).length, 3)
  await stopped(t, cluster, {
    args: ['rollback', run, '--yes'],
    when: /join-control-planes: k8smaster3[^\n]*undoing/,
    signal: 'SIGHUP',
    end: 'run-rolled-back',
  })
  ended(t, await cluster.quorate(['rollback', run, '--yes']))
  await asBefore(t, cluster, before)
})
