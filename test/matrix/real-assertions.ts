import type { Test } from 'tap'
import type { ClusterFileWish, Lab } from '../../lab/real/lab.js'
import type { Suite } from '../../lab/real/machines/rootfs.js'
import { capture } from '../../lab/real/machines/shell.js'
import type { PieceName } from '../../lab/real/pieces/all.js'
import { type ProbedPlace, type ProbeResult, Probes } from '../../lab/real/probes.js'
import { labForTest, newestRun } from '../support/real-lab.js'
import { differences, etcdMembers, stateOf } from '../support/real-state.js'

interface Wanted {
  /** What makes the cluster other than the textbook's. */
  readonly with?: readonly PieceName[]
  /** Release of Debian that its nodes are of. */
  readonly debian?: Suite
  file?(lab: Lab): ClusterFileWish
  /** Where clients meet the endpoint; the virtual IP unless given. */
  endpointAt?(lab: Lab): ProbedPlace
  /** The cluster as it came up is the one that the scenario is about. */
  before?(lab: Lab): Promise<void>
  /** The run stops once for a person, exit code 4, with not a byte of the cluster changed; when that is done it is resumed. */
  readonly stops?: { readonly says: RegExp; mend(lab: Lab, run: string): Promise<void> }
  looks?(lab: Lab): Promise<void>
  /** Exit code of `verify` afterwards; 7 where something is left that Quorate does not make. */
  readonly verified?: 7
  /** False where etcd is no affair of the control planes. */
  readonly stacked?: boolean
  readonly undone?: true
  /** etcd answers nobody for a moment on the way: requests may fail then. */
  readonly etcdPauses?: true
}

async function ended(t: Test, lab: Lab, args: readonly string[], code = 0): Promise<string> {
  const { exitCode, stdout, stderr } = await capture(...lab.quorate(args))
  t.equal(exitCode, code, `quorate ${args[0]}: ${exitCode === code ? '' : stdout + stderr}`)
  return stdout
}

/** Probes start at the first control plane at once, and at the endpoint as soon as the load balancer answers. */
async function convertUnderProbes(
  t: Test,
  lab: Lab,
  { endpointAt, etcdPauses }: Wanted = {},
  command: readonly string[] = ['convert', '-f', lab.clusterFile, '--yes'],
): Promise<void> {
  const probes = Probes.direct(lab)
  const started = Date.now()
  const conversion = ended(t, lab, command)
  await probes.addEndpointWhenUp(lab, endpointAt?.(lab))
  await conversion
  t.comment(`converted in ${Math.round((Date.now() - started) / 1000)} s`)
  const results = await probes.stop()
  t.equal(results.length, 3, 'probed at the first, at the endpoint, and by writes there')
  if (etcdPauses) for (const probe of results) t.comment(JSON.stringify(probe))
  else nothingFailed(t, results)
}

function nothingFailed(t: Test, results: readonly ProbeResult[]): void {
  for (const probe of results) {
    t.comment(JSON.stringify(probe))
    t.ok(probe.count > 20, `${probe.name} was probed`)
    t.same(probe.errors, {}, `no failed request at ${probe.name}`)
  }
}

/**
 * Converts a cluster of real nodes while clients ask: the plan changes nothing, no request fails, etcd has three voters, `verify`
 * agrees. `looks` sees it then; with `undone` it is taken back at the end, and every file and object is as before.
 */
export async function convertsReal(t: Test, version: string, wanted: Wanted = {}): Promise<void> {
  const lab = await labForTest(t, version, { workers: 1, with: wanted.with ?? [], debian: wanted.debian ?? 'bookworm' })
  lab.writeClusterFile(wanted.file?.(lab))
  await wanted.before?.(lab)
  const before = await stateOf(lab)
  await ended(t, lab, ['plan', '-f', lab.clusterFile])
  t.same(differences(before, await stateOf(lab)), [], 'the plan changed not one byte')
  const goingOn = wanted.stops === undefined ? undefined : await stopsFor(t, lab, { ...wanted.stops, before })
  await convertUnderProbes(t, lab, wanted, goingOn)
  if (wanted.stacked !== false)
    for (const node of lab.controlPlanes) {
      const members = await etcdMembers(node)
      t.equal(
        members.filter(({ isLearner }) => !isLearner).length,
        3,
        `three voters, by the word of ${node.spec.short}`,
      )
    }
  await ended(t, lab, ['verify', '-f', lab.clusterFile], wanted.verified)
  await wanted.looks?.(lab)
  if (wanted.undone === undefined) return
  await undo(t, lab, wanted)
  t.same(differences(before, await stateOf(lab)), [], 'everything is as before')
}

/** The command that goes on with it. */
async function stopsFor(
  t: Test,
  lab: Lab,
  { says, mend, before }: Required<Wanted>['stops'] & { readonly before: Awaited<ReturnType<typeof stateOf>> },
): Promise<readonly string[]> {
  const { exitCode, stdout, stderr } = await capture(...lab.quorate(['convert', '-f', lab.clusterFile, '--yes']))
  t.equal(exitCode, 4, 'it stops for a person')
  t.match(stdout + stderr, says, 'it says what for')
  t.same(differences(before, await stateOf(lab)), [], 'and has changed not one byte')
  await mend(lab, newestRun(lab))
  return ['resume', newestRun(lab)]
}

async function undo(t: Test, lab: Lab, { etcdPauses }: Wanted): Promise<void> {
  const probes = await Probes.directWithWrites(lab)
  const started = Date.now()
  await ended(t, lab, ['rollback', newestRun(lab), '--yes'])
  t.comment(`undone in ${Math.round((Date.now() - started) / 1000)} s`)
  const results = await probes.stop()
  if (!etcdPauses) nothingFailed(t, results)
}

interface Refused extends Pick<Wanted, 'with'> {
  /** What the finding says, done by hand; then it is converted. */
  mended?(lab: Lab): Promise<void>
}

/** Real nodes are refused with this finding, exit code 3, and not a byte is another one; mended as it says, they are converted. */
export async function refusesReal(t: Test, version: string, finding: string, wanted: Refused): Promise<void> {
  const lab = await labForTest(t, version, { workers: 1, with: wanted.with ?? [] })
  const before = await stateOf(lab)
  const { exitCode, stdout, stderr } = await capture(...lab.quorate(['convert', '-f', lab.clusterFile, '--yes']))
  t.equal(exitCode, 3, 'blocked by a finding')
  t.match(stdout + stderr, finding)
  t.same(differences(before, await stateOf(lab)), [], 'nothing was changed')
  if (wanted.mended === undefined) return
  await wanted.mended(lab)
  await convertUnderProbes(t, lab)
  await ended(t, lab, ['verify', '-f', lab.clusterFile])
}
