import { readClusterFile } from '@quorate/coordinator/config/read-cluster-file'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { openSession } from '@quorate/coordinator/open-session'
import { startConversion } from '@quorate/coordinator/runs/convert'
import { planConversion } from '@quorate/coordinator/runs/plan'
import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { members, serverIn } from '../support/conversion-assertions.js'
import { clusterForTest, hashFiles, journalOf } from '../support/simulated-cluster.js'

const endpoint = 'https://apiserver.example.com:8443'

/** Runs an order of the test's own on the cluster, as `quorate convert` would run the real one. */
async function runOrder(cluster: SimulatedCluster, order: readonly ConversionStep[]) {
  const { file, text } = await readClusterFile(cluster.clusterFile)
  const session = { ...(await openSession(cluster.stateFolder)), order }
  const approved = await planConversion(session, file)
  const { ended: end } = await startConversion(session, { file, fileText: text, approved })
  return end
}

const upTo = (id: string): ConversionStep[] =>
  conversionOrder.slice(0, conversionOrder.findIndex((step) => step.id === id) + 1)

/** The real gate of the second worker, with less patience. */
function hasty(order: readonly ConversionStep[]): ConversionStep[] {
  const impatient = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(3000)])
  return order.map((step) => ({
    ...step,
    verify: (run, action, signal, note) =>
      step.verify(
        run,
        action,
        action.node === 'k8sworker2.example.com' && step.id === 'rewrite-worker-kubeconfigs'
          ? impatient(signal)
          : signal,
        note,
      ),
  }))
}

t.test('what goes wrong stays where it is', async (t) => {
  const cluster = await clusterForTest(t, { workers: 2 })

  await t.test(
    'a wrong order is refused, by agents or by kubeadm itself, and the joiners stay as they are',
    async (t) => {
      const joiners = (): [string, string][] =>
        Object.entries(hashFiles(cluster)).filter(([path]) =>
          /^k8smaster[23].*:\/(etc\/kubernetes|var\/lib\/(etcd|kubelet))/.test(path),
        )
      const before = joiners()
      const joining = [
        'snapshot-etcd',
        'back-up-files',
        'start-load-balancer',
        'prepare-joining',
        'join-control-planes',
      ]
      const wrong = {
        // The token is sealed with the place that it may be sent to: without an endpoint there is none.
        'before controlPlaneEndpoint is set': {
          steps: joining,
          says: /kubeadm-config has no controlPlaneEndpoint/,
          remedy: /^`quorate convert` sets it/,
        },
        'before the certificate has the endpoint': {
          steps: [...joining, 'update-kubeadm-config'],
          says: /x509: certificate is valid for .*, not apiserver\.example\.com[\s\S]*That means: The client calls the API server by a name/,
          remedy: /^`quorate convert` reissues it/,
        },
      }
      for (const [when, { steps, says, remedy }] of Object.entries(wrong)) {
        const { outcome, error } = await runOrder(
          cluster,
          conversionOrder.filter(({ id }) => steps.includes(id)),
        )
        t.equal(outcome, 'failed', `joining ${when}`)
        t.match(error?.message, says)
        t.match(error?.remedy, remedy)
      }
      t.equal((await members(cluster)).length, 1, 'etcd is as it was')
      t.same(joiners(), before, 'the joiners are as they were')
    },
  )

  await t.test('a gate that fails undoes its own node and no other; what was done before stays', async (t) => {
    const old = serverIn(cluster, 'w2', '/etc/kubernetes/kubelet.conf')
    const path = 'k8sworker2.example.com:/etc/kubernetes/kubelet.conf'
    const before = hashFiles(cluster)[path]
    await cluster.setFaults('w2', { kubeletCannotRenew: true })
    const run = runOrder(cluster, hasty(upTo('rewrite-worker-kubeconfigs')))
    // The undo has a gate too: a kubelet that could not report the old way either would be an undo that failed.
    const undoing = ({ kind, step, node }: { kind: string; step?: string; node?: string }) =>
      kind === 'undo-started' && step === 'rewrite-worker-kubeconfigs' && node === 'k8sworker2.example.com'
    const healed = until(
      'the undo to begin',
      async () => (journalOf(cluster).some(undoing) ? holds(true) : notYet('no undo')),
      {
        deadlineMs: 900_000,
        everyMs: 200,
      },
    ).then(() => cluster.setFaults('w2', { kubeletCannotRenew: false }))
    const { outcome, error } = await run
    await healed
    t.equal(outcome, 'failed')
    t.equal(error?.where, 'k8sworker2.example.com')
    t.equal(serverIn(cluster, 'w2', '/etc/kubernetes/kubelet.conf'), old)
    t.equal(hashFiles(cluster)[path], before, 'byte for byte, mode too')
    t.equal(serverIn(cluster, 'w1', '/etc/kubernetes/kubelet.conf'), endpoint, 'the canary that was verified stays')
    const undone = journalOf(cluster)
      .filter(({ kind }) => kind === 'action-undone')
      .map(({ step, node }) => ({ step, node }))
    t.same(undone, [{ step: 'rewrite-worker-kubeconfigs', node: 'k8sworker2.example.com' }])
  })
})
