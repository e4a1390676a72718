import { unifiedDiff } from '@quorate/shared/diff'
import { pointKubeconfigAt, readKubeconfig } from '@quorate/shared/kubeconfig'
import { clusterTexts } from '@quorate/shared/text-place'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { Evidence } from '../../engine/step.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { probeFrom, problemOf, readyStatuses } from '../endpoint/probe.js'
import { endpointServer } from '../endpoint/servers.js'
import { patience } from '../facts/patience.js'
import { readClusterFacts } from '../facts/read-facts.js'
import { clusterInfo } from '../proofs/cluster-info.js'
import { endpointProofs } from '../proofs/endpoint-proofs.js'
import { oldAddress } from '../proofs/old-address.js'
import { putBack } from '../undo/put-back.js'

const name = 'configmap/kube-public/cluster-info'
const place = clusterTexts.clusterInfo

/** Every node that joins later trusts it: kubeadm never updates it (kubernetes/kubeadm#1955). */
export const updateClusterInfo = defineStep({
  id: 'update-cluster-info',
  title: 'Point cluster-info at the endpoint',
  gate: 'Only the server has changed, and the endpoint answers without credentials. upload-certificates verifies before the joins, through the endpoint, that its signature is valid for a fresh token.',
  undo: 'The old kubeconfig is restored; its signatures follow.',
  width: 1,
  reliesOn: endpointProofs,
  fixes: [clusterInfo, oldAddress],
  foreseen: [{ asks: 'an answer without credentials', checks: ['anonymous-auth', 'cluster-ca', 'admission'] }],
  async plan(run) {
    const text = (await run.clusterFacts()).clusterInfo?.text ?? ''
    if (readKubeconfig(text, place).server === endpointServer(run)) return []
    const diff = unifiedDiff(name, text, pointKubeconfigAt(text, endpointServer(run), place))
    return [
      {
        id: run.first.name,
        node: run.first.name,
        does: `point cluster-info at ${endpointServer(run)}`,
        diffs: [{ name, text: diff }],
      },
    ]
  },
  async apply(run, _action, call) {
    const { clusterInfo } = await run.clusterFacts()
    await run
      .agent(run.first)
      .change(
        'updateClusterInfo',
        { server: endpointServer(run), expectedSha256: clusterInfo?.sha256 ?? '' },
        call,
        'update',
      )
    return { before: clusterInfo?.text }
  },
  verify: (run, _action, signal, { before }) =>
    until('cluster-info to name the endpoint', () => look(run, before, signal), patience(signal, 60)),
  rollback: putBack,
})

async function look(
  run: ConversionRun,
  before: string | undefined,
  signal: AbortSignal,
): Promise<Look<readonly Evidence[]>> {
  const { host, port } = run.endpoint
  const [{ clusterInfo }, answer] = await Promise.all([
    readClusterFacts(run, signal),
    probeFrom(run, run.first, { host, port, signal }),
  ])
  const text = clusterInfo?.text ?? ''
  const { server } = readKubeconfig(text, place)
  if (server !== endpointServer(run)) return notYet(`it names ${server}`)
  if (before !== undefined && text !== pointKubeconfigAt(before, endpointServer(run), place))
    return notYet('more than its server has changed')
  const problem = problemOf(answer, await readyStatuses(run))
  if (problem !== undefined) return notYet(problem)
  return holds([
    { what: name, saw: `server ${server}, nothing else changed` },
    { what: `GET without credentials through ${host}:${port}`, saw: `HTTP ${answer.httpStatus}` },
  ])
}
