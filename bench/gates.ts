/**
 * `npm run bench -- gates [JOURNAL]`: what all gates together add to a conversion's time, read from the journal of a run (STATE/runs/RUN.jsonl);
 * without one a simulated cluster is converted for it, about a minute. Whether a gate is right is not weakened for it: nothing is switched off.
 */
import { readFileSync } from 'node:fs'
import type { RecordedEvent } from '@quorate/coordinator/engine/events'
import { openJournalReader } from '@quorate/coordinator/engine/journal-reader'
import { openSession } from '@quorate/coordinator/open-session'
import { SimulatedCluster } from '../lab/simulated/cluster.js'
import { gatesAlone } from './gates-alone.js'

const barPercent = 20

/** With its chain of hashes checked. */
async function journalAt(path: string): Promise<readonly RecordedEvent[]> {
  const [line = ''] = readFileSync(path, 'utf8').split('\n', 1)
  const { record } = JSON.parse(line) as { record: RecordedEvent }
  const reader = await openJournalReader(path, record.run)
  return reader.next().finally(() => reader.close())
}

async function simulated(): Promise<readonly RecordedEvent[]> {
  const cluster = await SimulatedCluster.start()
  try {
    await cluster.prepare({ policy: ['  availabilityBudgetSeconds: 60'] })
    const { exitCode, stderr } = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
    if (exitCode !== 0) throw new Error(`the conversion ended with ${exitCode}: ${stderr}`)
    const { runs } = await openSession(cluster.stateFolder)
    const [run] = await runs.list()
    if (run === undefined) throw new Error('the conversion has left no journal')
    return await runs.read(run)
  } finally {
    await cluster.stop()
  }
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`

/** Prints where the time went, and fails above the bar. */
export async function gates(path?: string): Promise<void> {
  const { totalMs, operationsMs, aloneMs } = gatesAlone(await (path === undefined ? simulated() : journalAt(path)))
  const added = ((totalMs - operationsMs) / operationsMs) * 100
  const rows = [...aloneMs].filter(([, ms]) => ms > 0).sort(([, a], [, b]) => b - a)
  console.log(['| waited for by | gates, proofs and plans alone |', '|---|---|'].join('\n'))
  for (const [step, ms] of rows) console.log(`| ${step} | ${seconds(ms)} |`)
  console.log(`\n${seconds(totalMs)} in all, ${seconds(operationsMs)} of it with an operation under way: gates, proofs`)
  console.log(`and plans alone add ${added.toFixed(0)} % to it (bar: ${barPercent} %)`)
  process.exitCode = added <= barPercent ? 0 : 1
}
