import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import type { ProgramRun, SimulatedCluster } from '../../../lab/simulated/cluster.js'
import type { Kill, Life } from './script.js'

/** What became of one life of the coordinator. */
export interface Lived extends ProgramRun {
  /** Who did die. */
  readonly killed: readonly Kill[]
  /** It did not die and came to its end by itself. */
  readonly ended: boolean
}

/** Longer than anything waits: a life that takes longer hangs. */
const longestMs = 300_000
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Runs one command of the coordinator while it, agents and nodes are killed, and brings agents and nodes back as systemd and a person would. */
export async function live(cluster: SimulatedCluster, args: readonly string[], life: Life): Promise<Lived> {
  const killed: Kill[] = []
  const own = life.filter(({ who }) => who === 'operator')
  // The last wish stands: what is killed at a moment may be killed at a record before that.
  for (const kill of own) wish(cluster, kill)
  const since = Date.now()
  const { child, ended } = cluster.startQuorate(args)
  const over = new AbortController()
  const timers = own.map(({ at }) => 'afterMs' in at && setTimeout(() => child.kill('SIGKILL'), at.afterMs))
  timers.push(setTimeout(() => child.kill('SIGKILL'), longestMs))
  const nodes = cluster.nodes.map(({ name }) =>
    killInTurn(cluster, life.filter(({ who }) => who === name), { over: over.signal, killed }),
  )
  const result = await ended
  for (const timer of timers) if (timer !== false) clearTimeout(timer)
  over.abort()
  await Promise.all(nodes)
  const died = diedAt(cluster, 'operator')
  if (Date.now() - since >= longestMs) throw new Error(`quorate ${args.join(' ')} hangs:\n${said(result)}`)
  if (child.signalCode === null) return { ...result, killed, ended: true }
  const kill = own.find(({ at }) => 'record' in at === died) ?? own[0]
  if (kill?.power) losePower(cluster, 'operator')
  return { ...result, killed: kill === undefined ? killed : [...killed, kill], ended: false }
}

export const said = ({ exitCode, stdout, stderr }: ProgramRun): string =>
  `exit code ${exitCode}\n${stdout.slice(-5000)}${stderr.slice(-5000)}`

function wish(cluster: SimulatedCluster, { who, at }: Kill): void {
  if ('record' in at) writeFileSync(`${cluster.faultFile(who)}.wish`, JSON.stringify(at))
}

/** Takes the wish back; true when it had come true. */
function diedAt(cluster: SimulatedCluster, who: string): boolean {
  const file = cluster.faultFile(who)
  rmSync(`${file}.wish`, { force: true })
  const died = existsSync(`${file}.died`)
  rmSync(`${file}.died`, { force: true })
  return died
}

interface Killing {
  /** Aborted when the coordinator's life is over. */
  readonly over: AbortSignal
  readonly killed: Kill[]
}

/** One node's kills, each after it is back from the one before. */
async function killInTurn(cluster: SimulatedCluster, kills: Life, { over, killed }: Killing): Promise<void> {
  const since = Date.now()
  const isOver = new Promise<false>((resolve) => over.addEventListener('abort', () => resolve(false), { once: true }))
  for (const kill of kills) {
    const { who, at } = kill
    wish(cluster, kill)
    const dies = 'record' in at ? cluster.agentEnded(who) : pause(Math.max(0, since + at.afterMs - Date.now()))
    const inTime = over.aborted ? false : await Promise.race([dies.then(() => true), isOver])
    if (!diedAt(cluster, who) && !inTime) return
    await killNode(cluster, kill)
    killed.push(kill)
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
