import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import type { ProgramRun, SimulatedCluster } from '../../../lab/simulated/cluster.js'
import type { Kill } from './script.js'

/** What became of one life of the coordinator. */
export interface Lived extends ProgramRun {
  /** It was killed. */
  readonly died: boolean
}

/** Longer than anything waits: a life that takes longer hangs. */
const longestMs = 300_000
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Runs one command of the coordinator, to its end or until it is killed; `program` for another build of it. */
export async function live(
  cluster: SimulatedCluster,
  args: readonly string[],
  kill?: Kill,
  program = cluster.bundles.quorate,
): Promise<Lived> {
  if (kill !== undefined) wish(cluster, kill)
  const { child, ended } = cluster.startQuorate(args, { program })
  const die = (): boolean => child.kill('SIGKILL')
  const timer = kill !== undefined && 'afterMs' in kill.at ? setTimeout(die, kill.at.afterMs) : undefined
  let hangs = false
  const hanging = setTimeout(() => {
    hangs = die()
  }, longestMs)
  const result = await ended
  clearTimeout(timer)
  clearTimeout(hanging)
  takeBack(cluster, 'operator')
  if (hangs) throw new Error(`quorate ${args.join(' ')} hangs:\n${said(result)}`)
  const died = child.signalCode !== null
  if (died && kill?.power) losePower(cluster, 'operator')
  return { ...result, died }
}

export const said = ({ exitCode, stdout, stderr }: ProgramRun): string =>
  `exit code ${exitCode}\n${stdout.slice(-5000)}${stderr.slice(-5000)}`

function wish(cluster: SimulatedCluster, { who, at }: Kill): void {
  if ('record' in at) writeFileSync(`${cluster.faultFile(who)}.wish`, JSON.stringify(at))
}

/** Takes a wish back; true when it had come true. */
function takeBack(cluster: SimulatedCluster, who: string): boolean {
  const file = cluster.faultFile(who)
  rmSync(`${file}.wish`, { force: true })
  const died = existsSync(`${file}.died`)
  rmSync(`${file}.died`, { force: true })
  return died
}

/** Kills on nodes go on while the coordinator lives and dies; each node's next one when it is back from the one before. */
export class NodeKills {
  /** Those that came true. */
  readonly killed: Kill[] = []
  private readonly over = new AbortController()
  private readonly all: Promise<unknown>
  private readonly cluster: SimulatedCluster

  constructor(cluster: SimulatedCluster, kills: readonly Kill[]) {
    this.cluster = cluster
    this.all = Promise.all(cluster.nodes.map(({ name }) => this.inTurn(kills.filter(({ who }) => who === name))))
  }

  /** No further kill; resolves when everybody is back. */
  async end(): Promise<void> {
    this.over.abort()
    await this.all
  }

  private async inTurn(kills: readonly Kill[]): Promise<void> {
    const { cluster, over } = this
    const isOver = new Promise<false>((resolve) => over.signal.addEventListener('abort', () => resolve(false)))
    for (const kill of kills) {
      const { who, at } = kill
      wish(cluster, kill)
      const dies = 'record' in at ? cluster.agentEnded(who) : pause(at.afterMs)
      const inTime = over.signal.aborted ? false : await Promise.race([dies.then(() => true), isOver])
      if (!takeBack(cluster, who) && !inTime) return
      await killNode(cluster, kill)
      this.killed.push(kill)
    }
  }
}

async function killNode(cluster: SimulatedCluster, { who, power, downMs }: Kill): Promise<void> {
  if (power) {
    await cluster.kill(who)
    losePower(cluster, who)
  } else await cluster.stopAgent(cluster.node(who).name)
  await pause(downMs)
  if (power) await cluster.control.ask('bootNode', { node: cluster.node(who).name })
  await cluster.startAgent(cluster.node(who))
}

/** What was written and not synced is gone. */
function losePower(cluster: SimulatedCluster, who: string): void {
  const known = `${cluster.faultFile(who)}.synced`
  if (!existsSync(known)) return
  const { path, inode, size } = JSON.parse(readFileSync(known, 'utf8')) as { path: string; inode: number; size: number }
  if (!existsSync(path)) return
  const now = statSync(path)
  if (now.ino === inode && now.size > size) truncateSync(path, size)
}
