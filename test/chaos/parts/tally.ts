import type { Broken } from './play.js'
import type { Kill } from './script.js'

/** The numbers of a run of the suite. */
export class Tally {
  readonly seed: number
  kills = 0
  rounds = 0
  doubleExecutions = 0
  lostRuns = 0
  wrongStates = 0
  secretsLeft = 0
  /** Records that an undisturbed run writes, and those of them at which nobody died yet. */
  places = 0
  placesLeft = 0
  /** Nothing was broken in the last round. */
  lastHeld = true
  private readonly byKind = new Map<string, number>()
  private readonly resumeMs: number[] = []

  constructor(seed: number) {
    this.seed = seed
  }

  note(killed: readonly Kill[], resumeMs: readonly number[]): void {
    this.rounds++
    this.lastHeld = true
    this.kills += killed.length
    this.resumeMs.push(...resumeMs)
    for (const { who, power, at } of killed) {
      const what =
        who === 'operator' ? (power ? 'coordinator with its machine' : 'coordinator') : power ? 'node' : 'agent'
      const kind = `${what}, ${'record' in at ? 'at a record' : 'at random'}`
      this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + 1)
    }
  }

  noteBroken({ kind, killed }: Broken): void {
    this.note(killed, [])
    this.lastHeld = false
    if (kind === 'double') this.doubleExecutions++
    if (kind === 'lost') this.lostRuns++
    if (kind === 'state') this.wrongStates++
    if (kind === 'secret') this.secretsLeft++
  }

  numbers() {
    const { seed, kills, rounds, doubleExecutions, lostRuns, wrongStates, secretsLeft, places, placesLeft } = this
    const sorted = [...this.resumeMs].sort((a, b) => a - b)
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return {
      seed,
      kills,
      killsByKind: Object.fromEntries([...this.byKind].sort()),
      records: places,
      recordsDiedAt: places - placesLeft,
      rounds,
      doubleExecutions,
      lostRuns,
      wrongStates,
      secretsLeft,
      resumes: sorted.length,
      resumeMs: { median: at(0.5), p95: at(0.95), worst: at(1) },
    }
  }

  line(): string {
    return JSON.stringify(this.numbers())
  }
}
