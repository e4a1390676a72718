import type { DiskFacts, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { databaseBytes } from '../etcd/database-size.js'
import { foldersOf } from '../facts/cluster-folders.js'
import { newMembers } from '../facts/membership.js'
import { size } from '../facts/size.js'
import type { Check } from './check.js'

const id = 'disk'
const mebi = 2 ** 20
const gibi = 2 ** 30

/** Room for what the conversion writes: a snapshot and its copies, etcd's data on a joiner, certificates and manifests. */
export const disk: Check = {
  id,
  title: 'The disks have space for backups and for etcd',
  async check(run) {
    const joining = await newMembers(run)
    // A snapshot is about as large as the database of whichever member is asked for it.
    const snapshot = databaseBytes(await run.etcd())
    const findings = await Promise.all(
      run.nodes.map(async (node) => {
        const facts = await run.nodeFacts(node)
        return ofNode(node, facts, needs(node, run, { joining, snapshot, data: foldersOf(facts).etcdDataDir }))
      }),
    )
    return findings.flat()
  },
}

function needs(
  node: NodeEntry,
  run: ConversionRun,
  seen: { joining: readonly NodeEntry[]; snapshot: number; data: string },
): Record<string, number> {
  const backups = node.name === run.first.name ? 3 * seen.snapshot + 100 * mebi : 100 * mebi
  const everywhere = { '/etc': 20 * mebi, '/var/lib/quorate-agent': backups }
  return seen.joining.includes(node)
    ? { ...everywhere, [seen.data]: Math.max(3 * seen.snapshot, 2 * gibi) }
    : everywhere
}

function ofNode(node: NodeEntry, facts: NodeFacts, wanted: Record<string, number>): Finding[] {
  return Object.entries(wanted).flatMap(([path, bytes]) => {
    const disk = diskOf(facts.disks, path)
    if (disk === undefined) return []
    const where = { id, severity: 'error', node: node.name } as const
    const evidence = `${path} is on ${disk.path}: ${size(disk.freeBytes)} free of ${size(disk.sizeBytes)}`
    if (disk.readOnly) {
      return [
        {
          ...where,
          message: `${path} cannot be written`,
          evidence: `${evidence}, read-only`,
          remedy: `On that node: mount -o remount,rw ${disk.path}. If only the agent cannot write: systemctl edit quorate-agent, with [Service] and ReadWritePaths=${path.slice(0, path.lastIndexOf('/')) || path}, then systemctl restart quorate-agent`,
        },
      ]
    }
    if (disk.freeBytes >= bytes) return []
    return [
      {
        ...where,
        message: `${path} needs ${size(bytes)} of free space`,
        evidence,
        remedy: `On that node: df -h ${path}, then free space or grow the disk.`,
      },
    ]
  })
}

/** The disk that a path is on: the longest of the known paths that holds it. */
function diskOf(disks: readonly DiskFacts[], path: string): DiskFacts | undefined {
  const holding = disks.filter((disk) => path === disk.path || path.startsWith(disk.path.replace(/\/?$/, '/')))
  return holding.reduce<DiskFacts | undefined>(
    (best, disk) => (best !== undefined && best.path.length >= disk.path.length ? best : disk),
    undefined,
  )
}
