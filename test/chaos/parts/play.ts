import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseRunId } from '@quorate/shared/names'
import { openJournalReader } from '../../../coordinator/src/engine/journal-reader.js'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { type ClusterState, clusterState, stateDifferences } from './cluster-state.js'
import { doubleExecutions } from './executions.js'
import { type Lived, live, NodeKills, said } from './killed-cluster.js'
import type { Kill, Round, Way } from './script.js'
import { secretsLeft } from './secrets-left.js'

/** The cluster as it was before any conversion and as an undisturbed one leaves it. */
export interface States {
  readonly before: ClusterState
  readonly converted: ClusterState
  /** Tokens that the cluster has from its beginning. */
  readonly secretsBefore: readonly string[]
}

export interface Played {
  readonly killed: readonly Kill[]
  /** From the start of `resume` or `rollback` to its first record: how long until it goes on. Milliseconds. */
  readonly resumeMs: readonly number[]
}

/** What must never be seen: it says what, in words. */
export class Broken extends Error {
  readonly killed: readonly Kill[]
  readonly kind: 'double' | 'lost' | 'state' | 'secret'
  constructor(kind: Broken['kind'], message: string, killed: readonly Kill[]) {
    super(message)
    this.kind = kind
    this.killed = killed
  }
}

/** Installs what one life of the coordinator runs with, and returns the path of its own program. Without a kill it lives in peace. */
type ProgramFor = (kill: Kill | undefined) => Promise<string>

/** Plays one round on a cluster that is as before any conversion, and leaves it so. Throws Broken. */
export class Player {
  private readonly killed: Kill[] = []
  private readonly resumeMs: number[] = []
  private readonly runsBefore: ReadonlySet<string>
  private readonly cluster: SimulatedCluster
  private readonly states: States
  private readonly programFor: ProgramFor

  constructor(cluster: SimulatedCluster, states: States, programFor: ProgramFor = async () => cluster.bundles.quorate) {
    this.cluster = cluster
    this.states = states
    this.programFor = programFor
    this.runsBefore = new Set(runsOf(cluster))
  }

  async play({ forward, turn, back }: Round): Promise<Played> {
    await this.way(forward, (kill) => this.onward(kill))
    if (turn === 'resume') {
      await this.onward()
      await this.requireConverted()
    }
    if (this.run() !== undefined) {
      await this.way(back, (kill) => this.backward(kill))
      await this.backward()
    }
    await this.requireBefore()
    return { killed: this.killed, resumeMs: this.resumeMs }
  }

  private async way({ coordinator, nodes }: Way, live: (kill: Kill) => Promise<boolean>): Promise<void> {
    const kills = new NodeKills(this.cluster, nodes)
    try {
      for (const kill of coordinator) if (await live(kill)) break
    } finally {
      await kills.end()
      this.killed.push(...kills.killed)
    }
  }

  /** The run that goes on: the newest of this round that was begun. */
  private run(): string | undefined {
    const run = runsOf(this.cluster).at(-1)
    if (run === undefined || this.runsBefore.has(run)) return undefined
    return recordsOf(this.cluster, run).some(({ kind }) => kind === 'run-started') ? run : undefined
  }

  private onward(kill?: Kill): Promise<boolean> {
    const run = this.run()
    const args = run === undefined ? ['convert', '-f', this.cluster.clusterFile, '--yes'] : ['resume', run]
    return this.oneLife(args, run, kill)
  }

  private async backward(kill?: Kill): Promise<boolean> {
    const run = this.run()
    if (run === undefined || this.isBack(run)) return true
    return this.oneLife(['rollback', run, '--yes'], run, kill)
  }

  private isBack(run: string): boolean {
    return recordsOf(this.cluster, run).some(({ kind, outcome }) => kind === 'run-rolled-back' && outcome === 'done')
  }

  /** True when the command came to its good end; without a kill it must. */
  private async oneLife(args: readonly string[], run: string | undefined, kill?: Kill): Promise<boolean> {
    const program = await this.programFor(kill)
    const since = Date.now()
    const lived = await live(this.cluster, args, kill, program)
    if (process.env['QUORATE_CHAOS_TALK'] !== undefined) talk(args, lived, Date.now() - since)
    if (lived.died && kill !== undefined) this.killed.push(kill)
    if (run !== undefined) this.noteResume(run, since)
    const wrong = kill === undefined ? inPeace(lived) : wrongEnd(lived)
    if (wrong !== undefined) throw this.broken('lost', `${args.join(' ')}: ${wrong}\n${said(lived)}`)
    return lived.exitCode === 0
  }

  private noteResume(run: string, since: number): void {
    const first = recordsOf(this.cluster, run).find(
      ({ kind, at }) => at >= since && (kind === 'run-resumed' || kind === 'rollback-started'),
    )
    if (first !== undefined) this.resumeMs.push(first.at - since)
  }

  private async requireConverted(): Promise<void> {
    await this.requireSound(this.states.converted)
    const verified = await live(this.cluster, ['verify', '-f', this.cluster.clusterFile])
    if (verified.exitCode !== 0) throw this.broken('state', `verify after resume: ${said(verified)}`)
  }

  private requireBefore(): Promise<void> {
    return this.requireSound(this.states.before)
  }

  /** What is in etcd since before the first conversion is in its snapshots too, and none of ours. */
  private async secrets(): Promise<string[]> {
    const made = await this.cluster.control.ask<string[]>('secretsMade')
    return secretsLeft(
      this.cluster,
      made.filter((secret) => !this.states.secretsBefore.includes(secret)),
    )
  }

  /** Nothing twice, nothing left, the chain whole, the state as it must be. */
  private async requireSound(wanted: ClusterState): Promise<void> {
    const doubles = await doubleExecutions(this.cluster)
    if (doubles.length > 0) throw this.broken('double', doubles.join('\n'))
    const secrets = await this.secrets()
    if (secrets.length > 0) throw this.broken('secret', secrets.join('\n'))
    for (const run of runsOf(this.cluster)) if (!this.runsBefore.has(run)) await this.requireChain(run)
    const different = stateDifferences(wanted, await clusterState(this.cluster))
    if (different.length > 0) throw this.broken('state', different.join('\n'))
  }

  private async requireChain(run: string): Promise<void> {
    try {
      const reader = await openJournalReader(journalPath(this.cluster, run), parseRunId(run))
      await reader.next().finally(() => reader.close())
    } catch (error) {
      throw this.broken('lost', `the journal of ${run}: ${String(error)}`)
    }
  }

  private broken(kind: Broken['kind'], message: string): Broken {
    return new Broken(kind, message, this.killed)
  }
}

const inPeace = ({ exitCode }: Lived): string | undefined =>
  exitCode === 0 ? undefined : `ended with ${exitCode} although nobody was killed`

/** While others are killed a command may fail (4, 5) or refuse to begin (3); a defect (1) or a lost lease (6) is never right. */
function wrongEnd({ died, exitCode }: Lived): string | undefined {
  return died || [0, 3, 4, 5].includes(exitCode) ? undefined : `ended with ${exitCode}`
}

/** What a person who looks for a cause wants to see while it goes on. */
function talk(args: readonly string[], { died, exitCode, stdout, stderr }: Lived, ms: number): void {
  const last = exitCode === 0 ? '' : (stdout + stderr).trimEnd().split('\n').slice(-3).join(' | ')
  process.stderr.write(`${ms} ms ${args.join(' ')}: ${died ? 'killed' : `ended ${exitCode}`} ${last}\n`)
}

const journalPath = (cluster: SimulatedCluster, run: string): string =>
  join(cluster.stateFolder, 'runs', `${run}.jsonl`)

/** Ids, oldest first. */
export function runsOf({ stateFolder }: SimulatedCluster): string[] {
  const folder = join(stateFolder, 'runs')
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => name.slice(0, -'.jsonl'.length))
      .sort()
  } catch {
    return []
  }
}

/** What of each whole record matters here. */
function recordsOf(cluster: SimulatedCluster, run: string): { kind: string; at: number; outcome?: string }[] {
  const lines = readFileSync(journalPath(cluster, run), 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => {
    const { at, event } = (JSON.parse(line) as { record: { at: number; event: { kind: string; outcome?: string } } })
      .record
    return { at, ...event }
  })
}
