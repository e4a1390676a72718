import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { commandLine, onTerminal } from '../support/on-terminal.js'
import { clusterForTest, ended, hashFiles, journalOf } from '../support/simulated-cluster.js'

type Recorded = { readonly kind: string; readonly outcome?: string }

function hasBegun(cluster: SimulatedCluster): boolean {
  try {
    return (journalOf(cluster) as Recorded[]).some(({ kind }) => kind === 'operation-sent')
  } catch {
    // No run yet.
    return false
  }
}

const runEnded = (cluster: SimulatedCluster, outcome: string) =>
  until(
    `a run that ended ${outcome}`,
    async () => {
      const last = (journalOf(cluster) as Recorded[]).at(-1)
      return last?.kind === 'run-ended' && last.outcome === outcome ? holds(last) : notYet(JSON.stringify(last))
    },
    { deadlineMs: 120_000, everyMs: 200 },
  )

t.test('what people do at a terminal ends where they expect it', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const before = hashFiles(cluster)
  const convert = ['convert', '-f', cluster.clusterFile]
  for (const [name, typed] of [
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
    ['Enter', '\r'],
    ['no', 'n\r'],
  ] as const) {
    const { exitCode, output } = await onTerminal(cluster, {
      args: convert,
      when: (output) => output.includes('[y/n] '),
      act: ({ type }) => type(typed),
    })
    t.equal(exitCode, 130, `${name} at the question`)
    t.match(output, /the plan was not approved[\s\S]*Nothing was changed/, name)
    t.notMatch(output, /defect|bug in Quorate|\n\s+at /, name)
    t.same(hashFiles(cluster), before, `${name}: nothing was changed`)
    t.equal(
      (await cluster.quorate(['status', '-o', 'json'])).stdout.includes('"id"'),
      false,
      `${name}: there is no run`,
    )
  }
  const key = join(cluster.stateFolder, 'fleet/ca.key')
  for (const [name, end] of [
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0015\u0004'],
  ] as const) {
    const { exitCode, output } = await onTerminal(cluster, {
      args: ['root', 'protect'],
      when: (output) => output.includes('(empty: none): '),
      act: ({ type }) => type(`a passphrase that only I know${end}`),
    })
    t.equal(exitCode, 130, `${name} at the question for a passphrase`)
    t.notMatch(output, /that only I know/, `${name}: what was typed is not shown`)
    t.ok(existsSync(key), `${name}: the root key is as it was`)
  }

  await onTerminal(cluster, {
    args: [...convert, '--yes'],
    when: () => hasBegun(cluster),
    act: ({ close }) => close(),
  })
  await runEnded(cluster, 'interrupted')
  t.pass('a terminal that is closed stops the run at a safe place')

  const piped = `${commandLine(cluster, [...convert, '--yes'])} | head -n 1; exit \${PIPESTATUS[0]}`
  const headed = spawn('bash', ['-c', piped], { stdio: ['ignore', 'ignore', 'inherit'] })
  const exitCode = await new Promise((resolve) => headed.once('exit', resolve))
  t.equal(exitCode, 130, 'what nobody read to its end is no success that was seen')
  await runEnded(cluster, 'done')
  ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]))
  t.pass('a pipe that is closed does not end the run')
})
