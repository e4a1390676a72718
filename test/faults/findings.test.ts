/**
 * Faults that are put into real nodes one after the other, and taken out again: `quorate plan` finds, names and locates each, and nothing
 * once they are out. QUORATE_FINDINGS=check,check for some of them.
 */
import t from 'tap'
import type { Lab } from '../../lab/real/lab.js'
import { capture } from '../../lab/real/machines/shell.js'
import { labForTest } from '../support/real-lab.js'
import { pause } from './flaws/put-in.js'
import { realFlaws } from './flaws/real.js'
import { type RealFault, realFaults } from './preflight/real-faults.js'

const version = process.env['QUORATE_REAL_VERSIONS']?.split(' ')[0] ?? 'v1.37.2'
const only = process.env['QUORATE_FINDINGS']?.split(',')

interface Finding {
  readonly id: string
  readonly severity: string
  readonly node?: string
  readonly evidence: string
  readonly remedy: string
}

async function findings(lab: Lab): Promise<readonly Finding[]> {
  const { stdout, stderr } = await capture(...lab.quorate(['plan', '-f', lab.clusterFile, '-o', 'json']))
  if (stdout === '') throw new Error(stderr)
  return (JSON.parse(stdout) as { findings: readonly Finding[] }).findings
}

const idsOf = (found: readonly Finding[]): string[] =>
  found.map(({ id, severity, node = '' }) => `${severity} ${id} ${node}`).sort()

/** Asks until it is found: some faults take the cluster its time to notice. */
async function untilFound(lab: Lab, fault: RealFault): Promise<Finding | undefined> {
  const { check, severity = 'error', on, evidence } = fault
  const node = on === undefined ? undefined : lab.node(on).spec.name
  for (const deadline = Date.now() + 90_000; ; await pause(1_000)) {
    const found = (await findings(lab)).find(
      (one) =>
        one.id === check &&
        one.severity === severity &&
        (node === undefined || one.node === node) &&
        evidence.test(one.evidence),
    )
    if (found !== undefined || Date.now() > deadline) return found
  }
}

t.test(`Kubernetes ${version}: each fault is found`, async (t) => {
  const lab = await labForTest(t, version)
  const nodes = { lab, files: await realFlaws(lab) }
  const sound = idsOf(await findings(lab))
  t.notOk(
    sound.some((one) => one.startsWith('error')),
    `nothing blocks on a sound cluster: ${sound.join(', ')}`,
  )
  for (const fault of realFaults.filter(({ check }) => only?.includes(check) ?? true)) {
    await t.test(`${fault.check}${fault.on === undefined ? '' : ` on ${fault.on}`}`, async (t) => {
      const out = await fault.put(nodes)
      const found = await untilFound(lab, fault).finally(out)
      t.ok(found, JSON.stringify(found ?? idsOf(await findings(lab))))
      t.ok(found?.remedy, 'with what to type')
    })
  }
  let left = idsOf(await findings(lab))
  for (const deadline = Date.now() + 90_000; left.join() !== sound.join() && Date.now() < deadline; await pause(1_000))
    left = idsOf(await findings(lab))
  t.same(left, sound, 'and nothing is left once they are out')
})
