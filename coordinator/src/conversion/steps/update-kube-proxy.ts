import { unifiedDiff } from '@quorate/shared/diff'
import { pointKubeconfigAt, readKubeconfig } from '@quorate/shared/kubeconfig'
import { until } from '@quorate/shared/until'
import type { Action } from '../../engine/step.js'
import { readClusterFacts } from '../fresh.js'
import { patience } from '../gates.js'
import { kubeProxyRolledOut } from '../kube-proxy.js'
import { defineStep } from '../run.js'
import { putBack } from '../undo.js'
import { endpointServer } from '../wanted.js'

const name = 'configmap/kube-system/kube-proxy'

export const updateKubeProxy = defineStep({
  id: 'update-kube-proxy',
  title: 'Point kube-proxy at the endpoint and roll its pods',
  documented: 'kube-proxy',
  gate: 'The rollout is done, each pod is newer than the change, its sockets go to the endpoint.',
  undo: 'The old ConfigMap is put back and the pods are rolled again.',
  width: 1,
  // Its pods roll one after the other: what comes next does not need them, but no control plane joins before all go to the endpoint.
  settleBefore: 'join-control-planes',
  async plan(run) {
    const { kubeProxy } = await run.clusterFacts()
    if (kubeProxy?.present !== true || readKubeconfig(kubeProxy.text).server === endpointServer(run)) return []
    const text = unifiedDiff(name, kubeProxy.text, pointKubeconfigAt(kubeProxy.text, endpointServer(run)))
    return [
      {
        id: run.first.name,
        node: run.first.name,
        does: `point kube-proxy at ${endpointServer(run)}, roll its pods one by one`,
        diffs: [{ name, text }],
      },
    ]
  },
  async apply(run, _action, call) {
    const { kubeProxy } = await run.clusterFacts()
    if (kubeProxy?.present !== true) return
    await run
      .agent(run.first)
      .change('updateKubeProxy', { server: endpointServer(run), expectedSha256: kubeProxy.sha256 }, call, 'update')
  },
  verify: (run, _action, signal) =>
    until('the rollout of kube-proxy', () => kubeProxyRolledOut(run, signal), {
      ...patience(signal, 600),
      everyMs: 500,
    }),
  async rollback(run, done, call) {
    const touched = done.results.flatMap(({ result }) => result.touched).find((object) => object.name === name)
    if (touched === undefined) return
    // The same operation the other way round: it changes the ConfigMap and rolls the pods. What was put back has to be so byte for byte.
    const server = serverBefore(done.action)
    if (server !== undefined) {
      const request = { server, expectedSha256: touched.sha256After }
      await run.agent(run.first).change('updateKubeProxy', request, call, 'roll-back')
    }
    await putBack(run, done, call)
  },
  async undone(run, done, signal) {
    if (done.results.every(({ result }) => result.touched.length === 0)) return []
    const { server } = readKubeconfig((await readClusterFacts(run)).kubeProxy?.text ?? '')
    return until('kube-proxy to be rolled back', () => kubeProxyRolledOut(run, signal, server), {
      ...patience(signal, 600),
      everyMs: 500,
    })
  },
})

/** The server that the plan saw, from the diff that it showed. */
const serverBefore = ({ diffs }: Action): string | undefined =>
  /^-\s+server:\s*["']?([^\s"']+)/m.exec(diffs[0]?.text ?? '')?.[1]
