import { QuorateError } from '@quorate/shared/errors'
import type { ClusterFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import { requestsOf, unsignedOf, withRequests } from '../certificates/external-ca.js'
import {
  coreDnsEvidence,
  coreDnsShortcoming,
  endLeavingDnsPods,
  leavingDnsPods,
  mayHuddle,
  spreadCoreDns,
} from '../clients/core-dns.js'
import { acceptedFinding, wasSoBefore } from '../context/accepted.js'
import { byItself } from '../context/foreseen.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { toJoin } from '../facts/membership.js'
import { patience } from '../facts/patience.js'
import { clusterNow, readClusterFacts, readNodeFacts } from '../facts/read-facts.js'
import { loadBalancerNodesServe } from '../load-balancers/load-balancer-nodes.js'
import { coredns } from '../proofs/coredns.js'

export const finish = defineStep({
  id: 'finish',
  title: 'Spread CoreDNS, delete the join secrets, verify that the load balancer is redundant',
  gate: 'CoreDNS is ready on two nodes or more, unless the operator accepted the finding that it cannot be; the join token, its Secret and any keys kept for externally signed certificates are deleted; every node of the load balancer serves.',
  undo: 'A CoreDNS pod whose move was interrupted is deleted. The run made what it deleted itself, and CoreDNS may stay spread.',
  width: 1,
  seconds: 10,
  fixes: [coredns],
  foreseen: [
    { asks: 'CoreDNS ready on two nodes', checks: ['coredns', 'node-pressure', 'admission'], stays: ['coredns'] },
    byItself('no join secret', 'the step deletes them'),
    { asks: 'every machine of the load balancer to serve', checks: ['load-balancer'] },
  ],
  onResume: 'renewed',
  async plan(run) {
    const cluster = await run.clusterFacts()
    // Keys that are kept, or will be by then: those of certificates that are signed elsewhere.
    const unsigned = await Promise.all(run.controlPlanes.map((node) => unsignedOf(run, node)))
    const keys = [...(await withRequests(run)), ...unsigned.flat()]
    const left = [...(await toJoin(run)), ...cluster.joinTokenIds, ...keys, ...leavingDnsPods(cluster)]
    const remains = left.length > 0 || mayHuddle(cluster)
    if (!remains) return []
    return [
      {
        id: run.first.name,
        node: run.first.name,
        does: 'delete the join token and the uploaded certificates, spread CoreDNS over two nodes or more',
        diffs: [],
      },
    ]
  },
  async apply(run, _action, call) {
    const forget = (node: NodeEntry) => run.agent(node).change('forgetCertificateRequests', {}, call, 'forget-requests')
    const cluster = await readClusterFacts(run)
    await Promise.all([
      ...(acceptedFinding(run, 'coredns') === undefined
        ? [endLeavingDnsPods(run, call).then(() => spreadCoreDns(run, call))]
        : []),
      deleteJoinSecrets(run, cluster, call),
      ...(await withRequests(run)).map(forget),
    ])
  },
  async verify(run, _action, signal) {
    const [tidy, serving, kept] = await Promise.all([
      until('CoreDNS on two nodes and no join secret', () => look(run), patience(signal, 180)),
      loadBalancerNodesServe(run, patience(signal, 60)),
      Promise.all((await withRequests(run)).map((node) => keptFor(run, node, signal))),
    ])
    return [...tidy, ...serving, ...kept]
  },
  rollback: (run, _done, call) => endLeavingDnsPods(run, call),
})

/** Verifies that no key is kept any longer for a certificate signed elsewhere. */
async function keptFor(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<Evidence> {
  const left = requestsOf(run, await readNodeFacts(run, node, signal)).size
  if (left > 0)
    throw new QuorateError('STEP_FAILED', `keys for ${left} certificates are still kept`, { where: node.name })
  return { what: `${node.name}: keys kept for certificates signed elsewhere`, saw: 'removed' }
}

async function deleteJoinSecrets(run: ConversionRun, { joinTokenIds }: ClusterFacts, call: ChangeCall): Promise<void> {
  for (const tokenId of joinTokenIds)
    await run.agent(run.first).change('deleteJoinSecrets', { tokenId, withRole: false }, call, `delete-${tokenId}`)
}

async function look(run: ConversionRun): Promise<Look<readonly Evidence[]>> {
  const cluster = await clusterNow(run)
  if (cluster.joinTokenIds.length > 0) return notYet(`join token ${cluster.joinTokenIds.join(', ')} still exists`)
  const deleted = { what: 'join token and uploaded certificates', saw: 'deleted' }
  const shortcoming = coreDnsShortcoming(cluster)
  if (shortcoming === undefined) return holds([deleted, coreDnsEvidence(cluster)])
  const accepted = acceptedFinding(run, 'coredns')
  return accepted === undefined ? notYet(shortcoming) : holds([deleted, wasSoBefore(accepted)])
}
