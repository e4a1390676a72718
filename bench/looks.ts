/**
 * `npm run bench -- looks [minutes]`: what colleagues who look in a loop cost a conversion, a drill and an undo. On simulated nodes, by turns
 * without looks and with them, an hour unless told; a colleague's processes are `nice`, as a colleague has a machine of his own. No root.
 */
import { setPriority } from 'node:os'
import { SimulatedCluster } from '../lab/simulated/cluster.js'
import { lookBeside } from '../test/support/looks.js'
import { median } from './median.js'

const colleagueNice = 19
/** None is slowed by more than a tenth. */
const bar = 1.1

interface Round {
  /** Seconds by command, in the order in which they ran. */
  readonly seconds: readonly number[]
  readonly looks: number
  readonly failures: readonly string[]
}

async function round(cluster: SimulatedCluster, looking: boolean): Promise<Round> {
  const [seconds, failures]: [number[], string[]] = [[], []]
  let [looks, converted] = [0, '']
  const colleague = (args: readonly string[]) => {
    const { child, ended } = cluster.startQuorate(args)
    if (child.pid !== undefined) setPriority(child.pid, colleagueNice)
    return ended
  }
  for (const args of [
    () => ['convert', '-f', cluster.clusterFile, '--yes'],
    () => ['drill', '-f', cluster.clusterFile, '--down-for', '3', '--yes', '--i-know-this-takes-parts-down'],
    () => ['rollback', converted, '--yes'],
  ]) {
    const began = performance.now()
    const running = cluster.quorate(args()).finally(() => seconds.push((performance.now() - began) / 1000))
    const fail = (what: string, more?: unknown) => failures.push(`${what} ${JSON.stringify(more)}`)
    if (looking) looks += await lookBeside({ fail }, { clusterFile: cluster.clusterFile, quorate: colleague }, running)
    const { exitCode, stdout, stderr } = await running
    if (exitCode !== 0) failures.push(`${args()[0]} ended with ${exitCode}\n${stdout.slice(-2000)}${stderr}`)
    converted ||= /\brun (\d{8}t\d{6}-[0-9a-f]{6})\b/.exec(stdout)?.[1] ?? ''
  }
  return { seconds, looks, failures }
}

/** It ends with 1 if anything failed or a command took more than a tenth longer with looks. */
export async function looks(minutes = 60): Promise<void> {
  const until = Date.now() + minutes * 60_000
  const rounds: Record<'without' | 'with', Round[]> = { without: [], with: [] }
  const cluster = await SimulatedCluster.start({ workers: 1 })
  try {
    await cluster.prepare({ policy: ['  availabilityBudgetSeconds: 60'] })
    while (Date.now() < until) {
      for (const kind of ['without', 'with'] as const) {
        const one = await round(cluster, kind === 'with')
        rounds[kind].push(one)
        console.log(`${kind} looks: ${one.seconds.map((s) => s.toFixed(1)).join(', ')} s; ${one.looks} looks`)
        for (const failure of one.failures) console.log(`FAILED ${failure}`)
      }
    }
  } finally {
    await cluster.stop()
  }
  const all = [...rounds.without, ...rounds.with]
  const failed = all.flatMap(({ failures }) => failures).length
  const ratios = ['convert', 'drill', 'rollback'].map((command, at) => {
    const of = (kind: 'without' | 'with') => median(rounds[kind].map(({ seconds }) => seconds[at] ?? 0))
    console.log(`${command}: ${of('without').toFixed(1)} s, with looks ${of('with').toFixed(1)} s (medians)`)
    return of('with') / of('without')
  })
  const looked = rounds.with.reduce((sum, one) => sum + one.looks, 0)
  console.log(`${all.length * 3} runs, ${looked} looks, ${failed} failed; slowed by ${ratios.map((r) => r.toFixed(2))}`)
  process.exitCode = failed === 0 && ratios.every((ratio) => ratio <= bar) ? 0 : 1
}
