import { unifiedDiff } from '@quorate/shared/diff'
import type { ConfigMapText } from '@quorate/shared/gen/quorate/v1/facts'
import { pointKubeconfigAt, readKubeconfig } from '@quorate/shared/kubeconfig'
import { clusterTexts } from '@quorate/shared/text-place'
import { until } from '@quorate/shared/until'
import type { Action } from '../../engine/step.js'
import { connectedTo } from '../clients/connected.js'
import { kubeProxyRolledOut, replacesPods } from '../clients/kube-proxy.js'
import { byItself } from '../context/foreseen.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { endpointServer } from '../endpoint/servers.js'
import { existingNodes } from '../facts/membership.js'
import { patience } from '../facts/patience.js'
import { readClusterFacts } from '../facts/read-facts.js'
import { endpointProofs } from '../proofs/endpoint-proofs.js'
import { kubeProxy } from '../proofs/kube-proxy.js'
import { oldAddress } from '../proofs/old-address.js'
import { putBack } from '../undo/put-back.js'

const name = 'configmap/kube-system/kube-proxy'
const place = clusterTexts.kubeProxyKubeconfig

export const updateKubeProxy = defineStep({
  id: 'update-kube-proxy',
  title: 'Update kube-proxy to use the endpoint and restart its pods',
  documented: 'kube-proxy',
  gate: 'The rollout is complete, each pod is newer than the change, its sockets connect to the endpoint, and its rules reach an API server from every node.',
  undo: 'The old ConfigMap and the restart annotation are restored, which restarts the pods again.',
  width: 1,
  seconds: 30,
  reliesOn: endpointProofs,
  fixes: [kubeProxy, oldAddress],
  foreseen: [
    { asks: 'a rollout that finishes', checks: ['kube-proxy', 'leases', 'admission'], stays: ['kube-proxy'] },
    { asks: 'rules that reach an API server', checks: ['kube-proxy'], stays: ['kube-proxy'] },
    byItself('pods of a DaemonSet with updateStrategy OnDelete', 'the step replaces them one by one'),
  ],
  // Its pods restart one by one: the next steps do not need them, but no control plane joins before all use the endpoint.
  settleBefore: 'join-control-planes',
  async plan(run) {
    const { kubeProxy } = await run.clusterFacts()
    if (kubeProxy?.present !== true) return []
    if (readKubeconfig(kubeProxy.text, place).server === endpointServer(run)) return podsLeftBehind(run, kubeProxy)
    const text = unifiedDiff(name, kubeProxy.text, pointKubeconfigAt(kubeProxy.text, endpointServer(run), place))
    return [
      {
        id: run.first.name,
        node: run.first.name,
        does: `point kube-proxy at ${endpointServer(run)}, restart its pods one by one`,
        diffs: [{ name, text }],
      },
    ]
  },
  async apply(run, action, call) {
    const { kubeProxy } = await run.clusterFacts()
    if (kubeProxy?.present !== true) return
    const onlyNodes = action.node === run.first.name ? await podByPod(run) : [action.node]
    const request = { server: endpointServer(run), expectedSha256: kubeProxy.sha256, onlyNodes, putBack: undefined }
    await run.agent(run.first).change('updateKubeProxy', request, call, 'update')
  },
  verify: (run, _action, signal) =>
    until('the rollout of kube-proxy', () => kubeProxyRolledOut(run, signal), {
      ...patience(signal, 600),
      everyMs: 500,
    }),
  async rollback(run, done, call) {
    const touched = done.results.flatMap(({ result }) => result.touched).find((object) => object.name === name)
    if (touched === undefined) return
    // The same operation in reverse: it changes the ConfigMap and restarts the pods. What is restored must match byte for byte.
    const server =
      done.results.map(({ result }) => result.facts['server_before']).find(Boolean) ?? serverBefore(done.action)
    if (server !== undefined) {
      const mark = done.results.find(({ result }) => 'restarted_before' in result.facts)?.result.facts[
        'restarted_before'
      ]
      const request = {
        server,
        expectedSha256: touched.sha256After,
        onlyNodes: mark === undefined ? await presentNodes(run) : await podByPod(run),
        putBack: mark === undefined ? undefined : { restartedAt: mark },
      }
      await run.agent(run.first).change('updateKubeProxy', request, call, 'roll-back')
    }
    await putBack(run, done, call)
  },
  async undone(run, done, signal) {
    if (done.results.every(({ result }) => result.touched.length === 0)) return []
    const { server } = readKubeconfig((await readClusterFacts(run)).kubeProxy?.text ?? '', place)
    return until('kube-proxy to be rolled back', () => kubeProxyRolledOut(run, signal, server), {
      ...patience(signal, 600),
      everyMs: 500,
    })
  },
})

/**
 * The DaemonSet restarts all pods. Where a node is missing, a pod is broken or updateStrategy is OnDelete, they are replaced one by one, and
 * the missing one keeps what it has. The broken one too is replaced, ready or not at this moment: it may be ready at the next.
 */
async function podByPod(run: ConversionRun): Promise<string[]> {
  const { kubeProxyRollout } = await run.clusterFacts()
  return run.absence.missing().length === 0 && !replacesPods(run, kubeProxyRollout) ? [] : presentNodes(run)
}

async function presentNodes(run: ConversionRun): Promise<string[]> {
  return (await existingNodes(run)).map(({ name }) => name)
}

/** Pods that were not restarted because their node was missing: older than the ConfigMap, and connected elsewhere. */
async function podsLeftBehind(run: ConversionRun, { writtenUnixMs }: ConfigMapText): Promise<readonly Action[]> {
  const { pods } = await run.clusterFacts()
  const old = pods.filter((pod) => pod.app === 'kube-proxy' && pod.startedUnixMs < writtenUnixMs)
  const nodes = run.workers.filter(({ name }) => run.mayBeBehind(name) && old.some((pod) => pod.node === name))
  const looks = await Promise.all(
    nodes.map((node) => connectedTo(run, node, { process: 'kube-proxy', server: endpointServer(run) })),
  )
  return nodes
    .filter((_, index) => looks[index]?.holds === false)
    .map(({ name: node }) => ({
      id: node,
      node,
      does: `replace its kube-proxy pod, which does not use ${endpointServer(run)} yet`,
      diffs: [],
    }))
}

/** The server before, from the plan's diff: for an operation of an agent that did not report it, or one that ended without an answer. */
const serverBefore = ({ diffs }: Action): string | undefined =>
  /^-.*\bserver["']?:\s*["']?([^\s"',}]+)/m.exec(diffs[0]?.text ?? '')?.[1]
