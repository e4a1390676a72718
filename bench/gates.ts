/**
 * `npm run bench -- gates [VERSION]`: how much all gates together add to a real conversion's time. Four labs of real nodes, one after the other, are
 * converted in the product's own order, without any gate or proof, again without, and again with them: with - without - without -
 * with, so that a machine that slows down affects both. Without gates it ends like the manual script: its
 * Nodes are Ready. Root; about 8 minutes once the lab is built.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openJournalReader } from '@quorate/coordinator/engine/journal-reader'
import type { RunId } from '@quorate/shared/names'
import { must } from '../lab/real/machines/shell.js'
import type { Converted } from './convert-inside.js'
import { gatesAlone, type RunTime } from './gates-alone.js'
import { withLab } from './with-lab.js'

const barPercent = 20
const inside = fileURLToPath(new URL('convert-inside.ts', import.meta.url))
const rounds = ['gates', 'bare', 'bare', 'gates'] as const

interface Round {
  readonly mode: (typeof rounds)[number]
  readonly ms: number
  readonly time: RunTime
}

const round = (version: string, mode: Round['mode']): Promise<Round> =>
  withLab(version, mode, async (lab) => {
    await lab.installAgents()
    const node = [process.execPath, '--import=tsx', '--conditions=@quorate/source']
    const [file, argv] = lab.network.within([...node, inside, lab.name, mode])
    const { ms, outcome, error, run } = JSON.parse(await must(file, argv)) as Converted
    if (outcome !== 'done') throw new Error(`${mode}: the conversion ended as ${outcome}: ${error}`)
    const reader = await openJournalReader(join(lab.stateFolder, 'runs', `${run}.jsonl`), run as RunId)
    const time = gatesAlone(await reader.next().finally(() => reader.close()))
    console.log(`${version}, ${mode === 'bare' ? 'without' : 'with all'} gates: ${seconds(ms)}`)
    return { mode, ms, time }
  })

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Prints the ratio and how the gates' time was spent, and fails above the limit. */
export async function gates(version = 'v1.37.2'): Promise<void> {
  const done: Round[] = []
  for (const mode of rounds) done.push(await round(version, mode))
  const of = (mode: Round['mode']) => done.filter((one) => one.mode === mode)
  const [withGates, bare] = [mean(of('gates').map(({ ms }) => ms)), mean(of('bare').map(({ ms }) => ms))]
  const added = ((withGates - bare) / bare) * 100
  console.log(`\n${whereItWent(of('gates'), of('bare'))}\n`)
  console.log(
    `with all gates ${seconds(withGates)}, without any ${seconds(bare)}: gates add ${added.toFixed(0)} % (limit: ${barPercent} %)`,
  )
  process.exitCode = added <= barPercent ? 0 : 1
}

/** By step, the waiting time without a running operation on any node. */
function whereItWent(withGates: readonly Round[], bare: readonly Round[]): string {
  const alone = (of: readonly Round[], step: string) => mean(of.map(({ time }) => time.aloneMs.get(step) ?? 0))
  const steps = [...new Set(withGates.flatMap(({ time }) => [...time.aloneMs.keys()]))]
  const rows = steps
    .map((step) => ({ step, ms: alone(withGates, step), bareMs: alone(bare, step) }))
    .sort((a, b) => b.ms - b.bareMs - (a.ms - a.bareMs))
  return [
    '| waited without a running operation | with gates | without |',
    '|---|---|---|',
    ...rows.map(({ step, ms, bareMs }) => `| ${step} | ${seconds(ms)} | ${seconds(bareMs)} |`),
  ].join('\n')
}
