import type { NodeEntry } from '../../config/cluster-file.js'
import type { EtcdFacts } from '../context/etcd-facts.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { databaseBytes, etcdTimeoutSeconds, inUseBytes, large, learningMs } from '../etcd/database-size.js'
import { newMembers } from '../facts/membership.js'
import { size } from '../facts/size.js'
import type { Check } from './check.js'

const id = 'etcd-size'
/** Until a learner has started and is seen to be in sync: on real nodes 2 s, and as much again. */
const startSeconds = 5
/** kubeadm's own, where JoinConfiguration has no `timeouts` (v1beta3). */
const fixedSeconds = 120
/** How fast etcd rewrites its file, serving no request meanwhile; measured with 1.6 GB on an SSD of a virtual machine: 130 MB/s. */
const defragBytesPerSecond = 100_000_000

/**
 * A new member is sent the whole database before it may vote, and kubeadm waits only until its deadline. Measured where the
 * database is large: how fast the first control plane's bytes reach each joiner, and how fast its disk takes them.
 */
export const etcdSize: Check = {
  id,
  title: 'New etcd members receive the database before kubeadm gives up',
  async check(run) {
    const [joining, etcd] = await Promise.all([newMembers(run), run.etcd()])
    const bytes = databaseBytes(etcd)
    if (bytes < large) return []
    const measured: Learning[] = []
    // One after the other, as etcd has one learner at a time.
    for (const node of joining) measured.push(await learning(run, node, bytes))
    const waits = (await (await run.etcdTopology()).joinsAtOnce()) > 1
    return Promise.all(
      measured.map(async (own, index) => {
        // The deadline of a join that overlaps with another begins before the other's learner is done.
        const seconds = measured.slice(waits ? 0 : index, index + 1).reduce((sum, { seconds }) => sum + seconds, 0)
        return finding({ ...own, seconds, etcd, deadline: await deadlineOf(run, own.node, etcd) })
      }),
    )
  },
}

interface Learning {
  readonly node: NodeEntry
  readonly seconds: number
  readonly evidence: string
}

async function learning(run: ConversionRun, node: NodeEntry, bytes: number): Promise<Learning> {
  const [path, disk] = [await pathTo(run, node), await diskOf(run, node)]
  const known = [path.bytesPerSecond, disk.bytesPerSecond].filter((rate) => rate > 0)
  const seconds = startSeconds + (known.length === 0 ? 0 : Math.ceil(bytes / Math.min(...known)))
  return { node, seconds, evidence: `${path.saw}; ${disk.saw}` }
}

interface Rate {
  /** Zero: could not be measured. */
  readonly bytesPerSecond: number
  readonly saw: string
}

const rate = (what: string, bytesPerSecond: number): Rate => ({
  bytesPerSecond,
  saw: `${what} ${Math.round(bytesPerSecond / 1e6)} MB/s`,
})

/** From the first control plane to etcd's peer port on the joiner, which its agent holds meanwhile. */
async function pathTo(run: ConversionRun, node: NodeEntry): Promise<Rate> {
  const what = `${run.first.name} to ${node.name}`
  const none = (why: string): Rate => ({ bytesPerSecond: 0, saw: `${what}: not measured, ${why}` })
  const port = (await run.etcdTopology()).ports.at(-1) ?? 2380
  return run.agent(node).holdPorts([port], async ({ listening, certificateSha256 }) => {
    if (!listening.includes(port)) return none(`port ${port} is in use`)
    const request = { host: node.address, port, certificateSha256 }
    const { bytesPerSecond, error } = await run.agent(run.first).read('measurePath', request, { deadlineMs: 15_000 })
    return error === '' ? rate(what, bytesPerSecond) : none(error)
  })
}

async function diskOf(run: ConversionRun, node: NodeEntry): Promise<Rate> {
  const seen = await run.agent(node).read('measureDisk', { limitMs: 0, sequential: true }, { deadlineMs: 30_000 })
  return rate(`disk of ${node.name} (${seen.folder})`, seen.bytesPerSecond)
}

/** Seconds, of kubeadm and of Quorate: after kubeadm gives up the run promotes the learner (settle-member.ts). */
async function deadlineOf(run: ConversionRun, node: NodeEntry, etcd: EtcdFacts) {
  const { kubeadmConfigApi } = await run.nodeFacts(node)
  const kubeadm = kubeadmConfigApi === 'v1beta3' ? fixedSeconds : etcdTimeoutSeconds(etcd)
  return { kubeadm, ours: kubeadm + Math.round(learningMs(etcd) / 1_000) }
}

interface Predicted extends Learning {
  readonly etcd: EtcdFacts
  readonly deadline: { readonly kubeadm: number; readonly ours: number }
}

function finding({ node, seconds, evidence, etcd, deadline }: Predicted): Finding {
  const bytes = databaseBytes(etcd)
  const takes = `the etcd database has ${size(bytes)}: ${node.name} needs about ${duration(seconds)} to receive it`
  const where = { id, node: node.name, evidence: `${evidence}; in use ${size(inUseBytes(etcd))} of ${size(bytes)}` }
  if (seconds <= deadline.kubeadm)
    return {
      ...where,
      severity: 'info',
      message: `${takes}; kubeadm waits for ${duration(deadline.kubeadm)}`,
      remedy: `Nothing to do. ${smaller(etcd)}`,
    }
  if (seconds <= deadline.ours)
    return {
      ...where,
      severity: 'warning',
      message: `${takes}; kubeadm gives up after ${duration(deadline.kubeadm)}, and the run then promotes the member itself`,
      remedy: smaller(etcd),
    }
  return {
    ...where,
    severity: 'error',
    message: `${takes}, longer than Quorate waits: ${duration(deadline.ours)}`,
    remedy: `${smaller(etcd)} Or give ${node.name} a faster disk or network.`,
  }
}

/** How to shrink it, and the cost: while etcd rewrites its file it answers no request. */
function smaller(etcd: EtcdFacts): string {
  const [bytes, used] = [databaseBytes(etcd), inUseBytes(etcd)]
  if (used > 0.8 * bytes)
    return 'Nearly all of it is in use: kubectl get --raw /metrics | grep apiserver_storage_objects shows which objects are numerous.'
  const blocked = Math.max(1, Math.ceil(used / defragBytesPerSecond))
  return `To shrink it to ${size(used)} first, at a quiet hour: etcdctl --command-timeout=300s defrag (docs/runbook.md#etcd says how to call etcdctl); the API is unavailable for about ${duration(blocked)} meanwhile.`
}

const duration = (seconds: number): string => (seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`)
