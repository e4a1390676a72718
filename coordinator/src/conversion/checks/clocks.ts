import { type Clock, systemClock } from '@quorate/shared/clock'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { type FactReading, readingOf, readNodeFacts } from '../facts/read-facts.js'
import type { Check } from './check.js'

const id = 'clocks'
const warnMs = 1_000
/** Certificates and bootstrap tokens made on one node are not valid yet, or have expired, on another (kubeadm#240, etcd's TLS). */
const refuseMs = 30_000

/** How far a node's clock is ahead of this machine's: surely between `least` and `most`, ms. */
interface Offset {
  readonly node: NodeEntry
  readonly least: number
  readonly most: number
  readonly synchronised: boolean
}

/**
 * Compares clocks by one answer of each node: the node read its clock between request and answer. Facts that were read with their times
 * will do, the difference of two clocks does not age: for the largest question there is it is not asked twice.
 */
export const clocksBy = (clock: Clock): Check => ({
  id,
  title: 'Clocks agree',
  async check(run) {
    const offsets = await Promise.all(run.machines.map((node) => measure(run, node, clock)))
    return [...offsets.flatMap(againstCoordinator), ...betweenNodes(offsets), ...offsets.flatMap(unsynchronised)]
  },
})

export const clocks = clocksBy(systemClock)

async function measure(run: ConversionRun, node: NodeEntry, clock: Clock): Promise<Offset> {
  const known = await run.nodeFacts(node)
  const { asked, answered, facts } = { facts: known, ...(readingOf(known) ?? (await askAnew(run, node, clock))) }
  const there = facts.clockUnixMs
  return { node, least: there - answered, most: there - asked, synchronised: facts.clockSynchronised }
}

async function askAnew(run: ConversionRun, node: NodeEntry, clock: Clock): Promise<FactReading & { facts: NodeFacts }> {
  const asked = clock.now()
  const facts = await readNodeFacts(run, node)
  return { facts, asked, answered: clock.now() }
}

/** The smallest difference that the two bounds allow: never blames a clock for a slow answer. */
function certain({ least, most }: { least: number; most: number }): number {
  return Math.max(0, least, -most)
}

function againstCoordinator(offset: Offset): Finding[] {
  const severity = judge(certain(offset))
  if (severity === undefined) return []
  const middle = (offset.least + offset.most) / 2
  return [
    {
      id,
      severity,
      node: offset.node.name,
      message: `its clock is ${seconds(Math.abs(middle))} ${middle > 0 ? 'ahead of' : 'behind'} this machine's`,
      evidence: `offset ${seconds(middle)}, round trip ${seconds(offset.most - offset.least)}`,
      remedy: 'On that node: timedatectl set-ntp true, then timedatectl timesync-status (or chronyc tracking).',
    },
  ]
}

/** The two clocks that are furthest apart: one finding for the fleet, not one for each pair. */
function betweenNodes(offsets: readonly Offset[]): Finding[] {
  const ahead = offsets.reduce((a, b) => (b.least > a.least ? b : a))
  const behind = offsets.reduce((a, b) => (b.most < a.most ? b : a))
  const apart = ahead.least - behind.most
  const severity = judge(apart)
  if (severity === undefined) return []
  return [
    {
      id,
      severity,
      node: ahead.node.name,
      message: `its clock is at least ${seconds(apart)} ahead of that of ${behind.node.name}`,
      evidence: `${ahead.node.name} ${seconds(ahead.least)}, ${behind.node.name} ${seconds(behind.most)} from this machine's clock`,
      remedy: 'Synchronise all nodes with the same time source: timedatectl set-ntp true on each.',
    },
  ]
}

function unsynchronised({ node, synchronised }: Offset): Finding[] {
  if (synchronised) return []
  return [
    {
      id,
      severity: 'warning',
      node: node.name,
      message: 'its clock is not synchronised with a time source',
      evidence: 'NTPSynchronized=no',
      remedy: 'On that node: timedatectl set-ntp true',
    },
  ]
}

function judge(ms: number): 'error' | 'warning' | undefined {
  if (ms > refuseMs) return 'error'
  return ms > warnMs ? 'warning' : undefined
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
