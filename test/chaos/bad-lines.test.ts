import { writeFileSync } from 'node:fs'
import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'
import { clusterForTest, ended } from '../support/simulated-cluster.js'
import { BadLine, type Fault } from './parts/bad-line.js'
import { Chance } from './parts/chance.js'
import { clusterState, stateDifferences } from './parts/cluster-state.js'
import { doubleExecutions } from './parts/executions.js'
import { runsOf } from './parts/play.js'
import { secretsLeft } from './parts/secrets-left.js'

const seed = Number(process.env['QUORATE_CHAOS_SEED'] ?? Date.now() % 1_000_000)
const proxyPort = 17_445
const all: readonly Fault[] = ['dropped', 'delayed', 'half-open', 'duplicated']

t.test(`connections that break off, stall, go silent and repeat themselves (QUORATE_CHAOS_SEED=${seed})`, async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const chance = new Chance(seed)
  const lines: BadLine[] = []
  let text = cluster.clusterFileText()
  for (const { address } of cluster.nodes) {
    lines.push(await BadLine.open({ host: address, port: 7445 }, proxyPort, chance))
    text = text.replace(`address: ${address}}`, `address: ${address}, agent: '${address}:${proxyPort}'}`)
  }
  t.teardown(() => {
    for (const line of lines) line.close()
  })
  writeFileSync(cluster.clusterFile, text)
  const known = await cluster.control.ask<string[]>('secretsMade')
  const before = await clusterState(cluster)
  /** The lines are bad whenever a run goes on. What it stops at is gone on with, some times on bad lines, at last on good ones. */
  const untilDone = async (args: readonly string[], onward: (run: string) => readonly string[]): Promise<void> => {
    for (let tries = 1; ; tries++) {
      const [run] = runsOf(cluster)
      const said = (chunk: string): void => {
        if (tries <= 3 && /\] snapshot-etcd:|run \S+ resumed|is being undone/.test(chunk))
          for (const line of lines) line.begin(all)
      }
      const { exitCode, stdout, stderr } = await cluster.quorate(run === undefined ? args : onward(run), said)
      for (const line of lines) line.pause()
      t.comment(`${args[0]}, try ${tries}: ${exitCode}`)
      if (exitCode === 0) return
      if (tries > 3 || (exitCode !== 4 && exitCode !== 3))
        throw new Error(`exit code ${exitCode}: ${(stdout + stderr).slice(-4000)}`)
    }
  }
  await untilDone(['convert', '-f', cluster.clusterFile, '--yes'], (run) => ['resume', run])
  ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]))
  t.same(await doubleExecutions(cluster), [])
  const [run = ''] = runsOf(cluster)
  await untilDone(['rollback', run, '--yes'], (id) => ['rollback', id, '--yes'])
  // An agent whose caller went silent notices within half a minute (keepalive of agent/src/server/serve.ts), and takes its Lease away then.
  await until(
    'all to be as before',
    async () => {
      const different = stateDifferences(before, await clusterState(cluster))
      return different.length === 0 ? holds(true) : notYet(different.join('\n'))
    },
    { deadlineMs: 60_000, everyMs: 1_000 },
  )
  t.pass('all is as before')
  t.same(await doubleExecutions(cluster), [])
  const made = await cluster.control.ask<string[]>('secretsMade')
  t.same(
    secretsLeft(
      cluster,
      made.filter((secret) => !known.includes(secret)),
    ),
    [],
  )
  for (const fault of all) {
    const times = lines.reduce((sum, line) => sum + line.happened[fault], 0)
    t.comment(`${fault}: ${times}`)
    t.ok(times > 0, `some connections were ${fault}`)
  }
})
