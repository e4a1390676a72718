import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type ClusterFileWish, type ProgramRun, SimulatedCluster, type SiteWish } from '../../lab/simulated/cluster.js'

/** Machines that run many tests at once answer late: only a test of the budget has the one that people have. */
const patient = '  availabilityBudgetSeconds: 60'
const isBudget = (line: string): boolean => line.includes('availabilityBudgetSeconds')

/** A simulated site with its agents, ready to be converted; it ends with the test. */
export async function clusterForTest(
  t: Test,
  options: SiteWish = {},
  wish: ClusterFileWish = {},
): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start(options)
  t.teardown(() => cluster.stop())
  const policy = wish.policy ?? []
  await cluster.prepare({ ...wish, policy: policy.some(isBudget) ? policy : [patient, ...policy] })
  return cluster
}

/** Every file of every node with its hash, mode and, for a link, its target; by `node:path`. What the system itself keeps below /run is not there. */
export function hashFiles(cluster: SimulatedCluster): Record<string, string> {
  const found: Record<string, string> = {}
  const walk = (root: string, folder: string, name: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name)
      const real = join(root, path)
      // An agent's own record of the calls that it got: looks are in it too.
      if (path === '/var/lib/quorate-agent/calls.jsonl') continue
      if (path === '/run/containerd' || /^\/proc\/\d+$/.test(path)) continue
      if (entry.isDirectory()) walk(root, path, name)
      else if (entry.isSymbolicLink()) found[`${name}:${path}`] = `-> ${readlinkSync(real)}`
      else if (entry.isFile()) {
        const { mode } = lstatSync(real)
        found[`${name}:${path}`] =
          `${createHash('sha256').update(readFileSync(real)).digest('hex')} ${(mode & 0o777).toString(8)}`
      }
    }
  }
  for (const { name, root } of cluster.nodes) walk(root, '/', name)
  return found
}

/** Leases that a run may bring about, and that have to go with it. */
const leasesOfRuns = /\/(quorate-availability|plndr-cp-lock)$/

/** Objects whose status their own controllers write at any moment, also on a machine that is too slow for their pods. */
const isReported = /^(\/nodes|apps\/(daemonsets|deployments))\//

/** Every API object but what changes by itself: other leases, and what kubelets and controllers report of nodes and workloads. */
export async function apiObjects(cluster: SimulatedCluster): Promise<Record<string, unknown>> {
  const dump =
    await cluster.control.ask<Record<string, { metadata: Record<string, unknown>; status?: unknown }>>('dump')
  const kept = Object.entries(dump).filter(([key]) => !key.includes('/leases/') || leasesOfRuns.test(key))
  return Object.fromEntries(
    kept.map(([key, object]) => {
      if (!isReported.test(key)) return [key, object]
      const { resourceVersion: _, ...metadata } = object.metadata
      return [key, { ...object, metadata, status: undefined }]
    }),
  )
}

/** All that a conversion could change: compared before and after. */
export async function everything(
  cluster: SimulatedCluster,
): Promise<{ files: Record<string, string>; objects: Record<string, unknown> }> {
  return { files: hashFiles(cluster), objects: await apiObjects(cluster) }
}

/** A new Node gets a pod of kube-proxy, a deleted one loses it, a kubelet tells of a pod that it started anew: not our doing, and soon over. */
export async function controllersRest(cluster: SimulatedCluster): Promise<void> {
  for (let [before, quiet] = ['', 0]; quiet < 5; ) {
    const now = JSON.stringify(await apiObjects(cluster))
    quiet = now === before ? quiet + 1 : 0
    before = now
    await new Promise((resolve) => setTimeout(resolve, 130))
  }
}

interface JournalLine {
  readonly record: {
    readonly event: {
      readonly kind: string
      readonly step?: string
      readonly action?: unknown
      readonly node?: string
      readonly label?: string
      readonly findings?: readonly { readonly id: string }[]
    }
  }
}

/** Id of the newest run. */
export function runOf(cluster: SimulatedCluster): string {
  const journals = readdirSync(join(cluster.stateFolder, 'runs')).filter((name) => name.endsWith('.jsonl'))
  const newest = journals.sort().at(-1)
  if (newest === undefined) throw new Error('there is no run')
  return newest.replace('.jsonl', '')
}

/** Events of the newest run, from its journal. */
export function journalOf(cluster: SimulatedCluster, id = runOf(cluster)): JournalLine['record']['event'][] {
  const path = join(cluster.stateFolder, 'runs', `${id}.jsonl`)
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  return lines.map((line) => (JSON.parse(line) as JournalLine).record.event)
}

/** Steps of the newest run in the order in which they began or were found to be true already. */
export function stepsOf(cluster: SimulatedCluster): string[] {
  return journalOf(cluster)
    .filter(({ kind }) => kind === 'step-started' || kind === 'step-skipped')
    .map(({ step }) => step ?? '')
}

/** Findings come first, what went wrong comes last. */
const endsOf = (text: string): string =>
  text.length <= 8_000 ? text : `${text.slice(0, 4_000)}\n...\n${text.slice(-4_000)}`

/** Asserts how a program ended; where it ended otherwise, shows what it said. */
export function ended(t: Test, { exitCode, stdout, stderr }: ProgramRun, wanted = 0): void {
  t.equal(
    exitCode,
    wanted,
    `exit code ${wanted}`,
    exitCode === wanted ? {} : { said: endsOf(stdout + stderr).split('\n') },
  )
}
