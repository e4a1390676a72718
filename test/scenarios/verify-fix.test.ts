import t, { type Test } from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import type { Flaw } from '../faults/flaws/all.js'
import { errorsFound, findingsOf, flawsToTry } from '../faults/flaws/find-flaws.js'
import type { FlawedCluster } from '../faults/flaws/flawed-cluster.js'
import { simulatedFlaws } from '../faults/flaws/simulated.js'
import { clusterForTest, ended, everything, journalOf, runOf, stepsOf } from '../support/simulated-cluster.js'

/** QUORATE_FLAWS=id,id puts in only those. */
const only = process.env['QUORATE_FLAWS']?.split(',')

/** Which steps fix a flaw; the flaws that are not here no step fixes. */
const fixedBy: Readonly<Record<string, readonly string[]>> = {
  'kubelet-names-first': ['rewrite-worker-kubeconfigs'],
  'kubelet-not-restarted': ['rewrite-worker-kubeconfigs'],
  'admin-kubeconfig-names-first': ['rewrite-admin-kubeconfigs'],
  'stale-cluster-info': ['update-cluster-info'],
  'kube-proxy-names-first': ['update-kube-proxy'],
  'kubeadm-config-without-endpoint': ['update-kubeadm-config'],
  'certificate-lacks-virtual-ip': ['regenerate-apiserver-certificate'],
  'backend-missing-in-one-haproxy': ['start-load-balancer'],
  'haproxy-stopped': ['start-load-balancer'],
  'keepalived-stopped': ['start-load-balancer'],
}

const fix = (cluster: SimulatedCluster) => cluster.quorate(['verify', '-f', cluster.clusterFile, '--fix', '--yes'])

/** Agents write down what they were asked, and controllers what a flaw does to the cluster meanwhile: a kube-proxy that meets no API is not ready. */
const withoutLedgers = ({ files, objects }: Awaited<ReturnType<typeof everything>>) => ({
  objects: Object.fromEntries(Object.entries(objects).map(([path, object]) => [path, asWritten(object)])),
  files: Object.fromEntries(Object.entries(files).filter(([path]) => !path.includes('/quorate-agent/'))),
})

function asWritten(object: unknown): unknown {
  const { status: _, metadata, ...rest } = object as { status?: unknown; metadata?: Record<string, unknown> }
  const { resourceVersion: __, ...kept } = metadata ?? {}
  return { ...rest, metadata: kept }
}

async function fixed(t: Test, cluster: SimulatedCluster, { id }: Flaw): Promise<void> {
  const run = await fix(cluster)
  ended(t, run)
  t.match(run.stdout, /What a step fixes/)
  t.same(stepsOf(cluster), ['back-up-files', ...(fixedBy[id] ?? []), 'prove-ha'], 'exactly its steps')
  t.match(journalOf(cluster)[0], { kind: 'run-started', purpose: 'fix' })
  t.same(await findingsOf(await simulatedFlaws(cluster)), { found: [], exitCode: 0 }, 'verify finds nothing any more')
}

async function toldHonestly(t: Test, cluster: SimulatedCluster): Promise<void> {
  const [before, run] = [withoutLedgers(await everything(cluster)), runOf(cluster)]
  const told = await fix(cluster)
  ended(t, told, 7)
  t.match(told.stdout, /What no step fixes/)
  t.match(told.stdout, /Nothing was changed/)
  t.notMatch(told.stdout, /What a step fixes/)
  t.equal(runOf(cluster), run, 'no run was begun')
  t.same(withoutLedgers(await everything(cluster)), before, 'nothing was changed')
}

/** What no step fixes is there until it is taken out; what one fixes, only until it is fixed. */
async function tryFlaw(t: Test, cluster: SimulatedCluster, flaw: Flaw): Promise<void> {
  const flawed: FlawedCluster = await simulatedFlaws(cluster)
  const out = await flaw.put(flawed)
  await errorsFound(t, flawed, flaw)
  if (fixedBy[flaw.id] !== undefined) return fixed(t, cluster, flaw)
  await toldHonestly(t, cluster).finally(out)
  await errorsFound(t, flawed)
}

t.test('verify --fix fixes what a step fixes, and says honestly what none does', async (t) => {
  const cluster = await clusterForTest(t)
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))
  const flawed = await simulatedFlaws(cluster)
  await errorsFound(t, flawed)

  await t.test('of a sound cluster it begins no run', async (t) => {
    const run = runOf(cluster)
    const told = await fix(cluster)
    ended(t, told)
    t.match(told.stdout, /nothing to fix/)
    t.equal(runOf(cluster), run)
  })

  await t.test('where nobody can be asked it refuses', async (t) => {
    ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile, '--fix']), 2)
  })

  // Pinned to one node by its Deployment: no rollout spreads such pods.
  for (const flaw of flawsToTry(only).filter(({ id }) => id !== 'coredns-on-one-node'))
    await t.test(flaw.id, (t) => tryFlaw(t, cluster, flaw))
})
