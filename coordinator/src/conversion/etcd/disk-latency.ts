import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { foldersOf } from '../facts/cluster-folders.js'

/** What etcd asks of a disk: the 99th percentile of fdatasync below 10 ms (https://etcd.io/docs/latest/faq/#what-does-the-etcd-warning-apply-entries-took-too-long-mean). */
const warnMs = 10
/**
 * Half of etcd's election timeout in kubeadm's clusters (1 s), and no write below it: on such a disk a member loses leader after leader. The slowest
 * writes alone refuse nothing: on a busy machine they are those that waited for a processor.
 */
const refuseMs = 500

export interface DiskLatency {
  readonly evidence: Evidence
  /** Set where it is slow. */
  readonly slow?: Omit<Finding, 'id'>
}

/** Of every node whose disk etcd is or will be on. An external etcd's machines have no agent: nothing is measured there. */
export async function disksOfEtcd(
  run: ConversionRun,
  options: { limitMs?: number; signal?: AbortSignal } = {},
): Promise<readonly DiskLatency[]> {
  const homes = (await run.etcdTopology()).homes()
  return Promise.all(homes.map((node) => diskLatency(run, node, options)))
}

/** How long the disk that a node's etcd is or will be on takes to make a record of its WAL durable. */
export async function diskLatency(
  run: ConversionRun,
  node: NodeEntry,
  options: { limitMs?: number; signal?: AbortSignal } = {},
): Promise<DiskLatency> {
  const { limitMs = 0, signal } = options
  const seen = await run
    .agent(node)
    .read('measureDisk', { limitMs, sequential: false }, signal === undefined ? {} : { signal })
  const [least, median, p99] = [seen.leastUs, seen.medianUs, seen.p99Us].map((us) => us / 1_000) as [
    number,
    number,
    number,
  ]
  const saw = `p99 ${ms(p99)}, median ${ms(median)}, least ${ms(least)} of ${seen.writes} writes in ${seen.folder}`
  const evidence = { what: `fdatasync where etcd of ${node.name} lives`, saw }
  if (p99 <= warnMs) return { evidence }
  const slow: Omit<Finding, 'id'> = {
    severity: least > refuseMs ? 'error' : 'warning',
    node: node.name,
    message: `the disk for etcd is slow: ${ms(p99)} until a record is durable, etcd wants less than ${warnMs} ms`,
    evidence: saw,
    remedy: `Give ${await dataDirOf(run, node)} an SSD of its own, or find who else writes: iostat -x 1. To measure for longer: fio --rw=write --ioengine=sync --fdatasync=1 --size=22m --bs=2300 --directory=${seen.folder} --name=etcd`,
  }
  return { evidence, slow }
}

const dataDirOf = async (run: ConversionRun, node: NodeEntry): Promise<string> =>
  foldersOf(await run.nodeFacts(node)).etcdDataDir

const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
