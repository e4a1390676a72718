import type { Test } from 'tap'
import type { ClusterFileWish, SimulatedCluster, SiteWish } from '../../lab/simulated/cluster.js'
import { asBefore } from '../support/as-before.js'
import { convertUnderProbes, members, nothingFailed } from '../support/conversion-assertions.js'
import { isDiscovered } from '../support/discovered.js'
import { clusterForTest, controllersRest, ended, everything, runOf } from '../support/simulated-cluster.js'

interface Wanted {
  readonly site?: SiteWish
  readonly file?: ClusterFileWish
  /** etcd answers nobody for a moment on the way: requests may fail then. */
  readonly etcdPauses?: boolean
  /** Where clients meet the endpoint; the virtual IP and port 8443 unless given. */
  endpointAt?(cluster: SimulatedCluster): { readonly address: string; readonly port: number }
  /** Makes the cluster the one that the scenario is about. */
  prepare?(cluster: SimulatedCluster): Promise<void>
  /** The run stops once for a person, exit code 4, with not a byte of the cluster changed; when that is done it is resumed. */
  readonly stops?: { readonly says: RegExp; mend(cluster: SimulatedCluster, run: string): Promise<void> }
  looks?(cluster: SimulatedCluster): void | Promise<void>
  readonly undone?: true
  /** Of etcd at the end; as many as there are control planes unless given. */
  readonly voters?: number
  /** How `verify` ends; 0 unless given. */
  readonly verified?: number
}

/**
 * Discovers and converts a simulated cluster while clients ask: no request fails, etcd has a voter on each control plane, `verify` agrees. `looks` sees it then;
 * with `undone` it is taken back at the end, and every file and object is as before.
 */
export async function converts(t: Test, wanted: Wanted): Promise<void> {
  const { site, file, prepare, endpointAt, etcdPauses, looks, undone, verified = 0 } = wanted
  const voters = wanted.voters ?? file?.controlPlanes?.length ?? site?.controlPlanes ?? 3
  const cluster = await clusterForTest(t, { workers: 1, ...site }, file)
  await prepare?.(cluster)
  await isDiscovered(t, cluster)
  const before = await everything(cluster)
  const goingOn = wanted.stops === undefined ? undefined : await stopsFor(t, cluster, { ...wanted.stops, before })
  const seen = await convertUnderProbes(cluster, endpointAt?.(cluster), goingOn)
  if (etcdPauses) ended(t, seen.run)
  else nothingFailed(t, seen)
  const voting = (await members(cluster)).filter(({ learner }) => !learner)
  t.equal(voting.length, voters, `${voters} voters`)
  ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]), verified)
  await looks?.(cluster)
  if (undone === undefined) return
  ended(t, await cluster.quorate(['rollback', runOf(cluster), '--yes']))
  await asBefore(t, cluster, before)
}

/** The command that goes on with it. */
async function stopsFor(
  t: Test,
  cluster: SimulatedCluster,
  { says, mend, before }: Required<Wanted>['stops'] & { readonly before: Awaited<ReturnType<typeof everything>> },
): Promise<readonly string[]> {
  const stopped = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
  ended(t, stopped, 4)
  t.match(stopped.stdout + stopped.stderr, says, 'it says what for')
  await asBefore(t, cluster, before)
  await mend(cluster, runOf(cluster))
  return ['resume', runOf(cluster)]
}

/** Is refused with this finding, exit code 3, and not a byte of any file or object is another one. */
export async function refuses(t: Test, finding: string, { site, file, prepare }: Wanted): Promise<void> {
  const cluster = await clusterForTest(t, { workers: 1, ...site }, file)
  await prepare?.(cluster)
  await isDiscovered(t, cluster, 3)
  await controllersRest(cluster)
  const before = await everything(cluster)
  const run = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
  ended(t, run, 3)
  t.match(run.stdout + run.stderr, finding)
  t.same(await everything(cluster), before, 'nothing was changed')
}
