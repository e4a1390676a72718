import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { foldersOf } from '../facts/cluster-folders.js'

/** What etcd requires of a disk: the 99th percentile of fdatasync below 10 ms (https://etcd.io/docs/latest/faq/#what-does-the-etcd-warning-apply-entries-took-too-long-mean). */
const warnMs = 10
/**
 * Half of etcd's election timeout in kubeadm's clusters (1 s), with no write below it: on such a disk a member loses one leader after another. The
 * slowest writes alone do not block: on a busy machine they are those that waited for a processor.
 */
const refuseMs = 500

export interface DiskLatency {
  readonly evidence: Evidence
  /** Set where it is slow. */
  readonly slow?: Omit<Finding, 'id'>
}

/** For every node whose disk etcd uses or will use. The machines of external etcd have no agent: nothing is measured there. */
export async function disksOfEtcd(
  run: ConversionRun,
  options: { limitMs?: number; signal?: AbortSignal } = {},
): Promise<readonly DiskLatency[]> {
  const homes = (await run.etcdTopology()).homes()
  return Promise.all(homes.map((node) => diskLatency(run, node, options)))
}

/** How long the disk that a node's etcd uses or will use takes to make a WAL record durable. */
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
  const saw = `p99 ${ms(p99)}, median ${ms(median)}, minimum ${ms(least)} of ${seen.writes} writes in ${seen.folder}`
  const evidence = { what: `fdatasync on the etcd disk of ${node.name}`, saw }
  if (p99 <= warnMs) return { evidence }
  const slow: Omit<Finding, 'id'> = {
    severity: least > refuseMs ? 'error' : 'warning',
    node: node.name,
    message: `the disk for etcd is slow: fdatasync takes ${ms(p99)} (p99), etcd needs less than ${warnMs} ms`,
    evidence: saw,
    remedy: `Put ${await dataDirOf(run, node)} on a dedicated SSD, or find other writers: iostat -x 1. For a longer measurement: fio --rw=write --ioengine=sync --fdatasync=1 --size=22m --bs=2300 --directory=${seen.folder} --name=etcd`,
  }
  return { evidence, slow }
}

const dataDirOf = async (run: ConversionRun, node: NodeEntry): Promise<string> =>
  foldersOf(await run.nodeFacts(node)).etcdDataDir

const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
