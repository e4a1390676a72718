import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import type { NetworkPlugin } from '../../../lab/simulated/world-options.js'
import { members } from '../../support/conversion-assertions.js'
import { clusterForTest, ended, runOf } from '../../support/simulated-cluster.js'
import type { Scenario } from '../scenario.js'

interface Plugin {
  readonly kind: NetworkPlugin
  readonly title: string
  readonly kubeProxy: 'absent' | 'disabled'
  /** The command that the plan and the step that stops have for it. */
  readonly command: RegExp
  /** Does what the command does. */
  mend(cluster: SimulatedCluster): Promise<void>
}

const patch = async ({ control }: SimulatedCluster, path: string, body: object): Promise<void> => {
  const contentType = 'application/merge-patch+json'
  const { status } = await control.ask<{ status: number }>('kube', { method: 'PATCH', path, body, contentType })
  if (status !== 200) throw new Error(`${path} was not changed: HTTP ${status}`)
}

const env = [
  { name: 'KUBERNETES_SERVICE_HOST', value: 'apiserver.example.com' },
  { name: 'KUBERNETES_SERVICE_PORT', value: '8443' },
]

const plugins: readonly Plugin[] = [
  {
    kind: 'cilium',
    title: 'Cilium in the place of kube-proxy, `k8sServiceHost` the first control plane',
    kubeProxy: 'absent',
    command: /helm -n kube-system upgrade cilium .*k8sServiceHost=apiserver\.example\.com --set k8sServicePort=8443/,
    mend: async (cluster) => {
      for (const [plural, name, container] of [
        ['daemonsets', 'cilium', 'cilium-agent'],
        ['deployments', 'cilium-operator', 'cilium-operator'],
      ])
        await patch(cluster, `/apis/apps/v1/namespaces/kube-system/${plural}/${name}`, {
          spec: { template: { spec: { containers: [{ name: container, env }] } } },
        })
    },
  },
  {
    kind: 'calico',
    title: 'Calico with eBPF, `kubernetes-services-endpoint` the first control plane',
    kubeProxy: 'disabled',
    command: /patch configmap kubernetes-services-endpoint .*apiserver\.example\.com.*8443/,
    mend: async (cluster) => {
      await patch(cluster, '/api/v1/namespaces/kube-system/configmaps/kubernetes-services-endpoint', {
        data: { KUBERNETES_SERVICE_HOST: 'apiserver.example.com', KUBERNETES_SERVICE_PORT: '8443' },
      })
      // What each pod of calico-node does when it starts again.
      const path = '/etc/cni/net.d/calico-kubeconfig'
      const text =
        'apiVersion: v1\nkind: Config\nclusters:\n- cluster: {server: "https://apiserver.example.com:8443"}\n'
      for (const node of ['cp1', 'w1'])
        await cluster.control.ask('writeFile', { node: cluster.node(node).name, path, text })
    },
  },
]

async function stopsAndGoesOn(t: Test, kubernetesVersion: string, { kind, kubeProxy, command, mend }: Plugin) {
  const cluster = await clusterForTest(t, { workers: 1, kubernetesVersion, kubeProxy, networkPlugin: kind })
  const plan = await cluster.quorate(['plan', '-f', cluster.clusterFile])
  ended(t, plan)
  t.match(plan.stdout, command, 'the plan has the command')
  const run = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
  ended(t, run, 4)
  t.match(run.stdout + run.stderr, command, 'so has the step that stops')
  t.equal((await members(cluster)).length, 1, 'before a control plane joins')
  ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]), 7)
  await mend(cluster)
  ended(t, await cluster.quorate(['resume', runOf(cluster)]))
  ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]))
}

export const networkPlugins: readonly Scenario[] = plugins.map((plugin) => ({
  id: `cni-${plugin.kind}`,
  title: plugin.title,
  group: 'network',
  outcome: 'converted',
  note: 'The plan has the command that fixes it; until it was typed the run stops before the first join, and `resume` goes on.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) => stopsAndGoesOn(t, kubernetesVersion, plugin),
  },
}))
