/**
 * `npm run bench -- preflight [10,25,50]`: the cost of a plan by number of nodes: facts of every node, every check, every step's
 * plan. On simulated nodes with a real agent each, no root; about a minute per size, mostly to start them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { readClusterFile } from '@quorate/coordinator/config/read-cluster-file'
import { openSession } from '@quorate/coordinator/open-session'
import type { Session } from '@quorate/coordinator/runs/context/session'
import { planConversion } from '@quorate/coordinator/runs/plan'
import type { ClusterFile } from '../coordinator/src/config/cluster-file.js'
import { SimulatedCluster } from '../lab/simulated/cluster.js'

const looks = 5

interface Look {
  /** From the request to the whole plan. */
  readonly wallMs: number
  /** CPU time of this process, the coordinator. */
  readonly cpuMs: number
  /** CPU time of all agents, their programs and the simulated world. */
  readonly nodesCpuMs: number
}

interface Measured extends Look {
  readonly nodes: number
}

/** All nodes and agents share one machine here: their facts are computed one after the other, not at once. */
async function measure(nodes: number): Promise<Measured> {
  const cluster = await SimulatedCluster.start({ controlPlanes: 3, workers: nodes - 3 })
  try {
    await cluster.prepare()
    const session = await openSession(cluster.stateFolder)
    const { file } = await readClusterFile(cluster.clusterFile)
    const seen: Look[] = []
    for (let look = 0; look < looks; look++) seen.push(...(await planOnce(session, file)))
    if (seen.length === 0) throw new Error(`none of ${looks} plans of ${nodes} nodes finished: the machine is too busy`)
    // The minimum of several: any other load on the machine only adds.
    const least = (of: (look: Look) => number): number => Math.min(...seen.map(of))
    const [wallMs, cpuMs] = [least((look) => look.wallMs), least((look) => look.cpuMs)]
    return { nodes, wallMs, cpuMs, nodesCpuMs: least((look) => look.nodesCpuMs) }
  } finally {
    await cluster.stop()
  }
}

/** Nothing if a node missed its deadline: the measurement would show a busy machine, not a preflight. */
async function planOnce(session: Session, file: ClusterFile): Promise<Look[]> {
  const [began, cpu, nodes] = [performance.now(), process.cpuUsage(), childrenCpuMs()]
  const plan = await planConversion(session, file)
  const wallMs = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  if (plan.findings.some(({ id }) => id.startsWith('agent-') || id === 'check-failed')) return []
  return [{ wallMs, cpuMs: (user + system) / 1_000, nodesCpuMs: childrenCpuMs() - nodes }]
}

/** CPU time of all children of this process and their waited-for children; proc(5), in ticks of 10 ms. */
function childrenCpuMs(): number {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'utf8')
      } catch {
        return '' // it ended meanwhile
      }
    })
  const times = stats.map((stat) => {
    // After the name in brackets: state, parent, and from the 12th on utime, stime, cutime, cstime.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(fields[1]) === process.pid ? fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) : 0
  })
  return times.reduce((sum, ticks) => sum + ticks, 0) * 10
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`

/** Measures each size in turn and prints one table; `growth` is the cost per node relative to the smallest cluster. */
export async function preflight(sizes: readonly number[] = [10, 25, 50]): Promise<void> {
  const measured: Measured[] = []
  for (const nodes of sizes) measured.push(await measure(nodes))
  const [smallest] = measured
  if (smallest === undefined) return
  const cell = (one: Measured, part: keyof Look): string => {
    const growth = one[part] / one.nodes / (smallest[part] / smallest.nodes)
    return `${seconds(one[part])}, ${Math.round(one[part] / one.nodes)} ms a node, growth ${growth.toFixed(2)}`
  }
  const rows = measured.map(
    (one) => `| ${one.nodes} | ${cell(one, 'wallMs')} | ${cell(one, 'cpuMs')} | ${cell(one, 'nodesCpuMs')} |`,
  )
  const head = ['| nodes | the whole plan | CPU time of the coordinator | of all the nodes |', '|---|---|---|---|']
  console.log([...head, ...rows].join('\n'))
}
