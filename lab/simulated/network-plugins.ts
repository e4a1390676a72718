import type { SimulatedNode } from './node.js'
import type { Site } from './site.js'
import { type KubeObject, keyOf } from './store.js'
import type { NetworkPlugin } from './world-options.js'

interface Place {
  readonly host: string
  readonly port: string
}

interface Installed {
  readonly objects: readonly (readonly [plural: string, name: string, object: Omit<KubeObject, 'metadata'>])[]
  /** Written on each node by the plugin's own pod. */
  readonly file?: { readonly path: string; readonly text: string }
}

/** What the chart or manifest of each leaves in the cluster and on its nodes. */
const plugins: Readonly<Record<NetworkPlugin, (place: Place) => Installed>> = {
  // helm install cilium --set kubeProxyReplacement=true --set k8sServiceHost=HOST --set k8sServicePort=PORT
  cilium: (place) => ({
    objects: [
      ['configmaps', 'cilium-config', { data: { 'kube-proxy-replacement': 'true', 'routing-mode': 'tunnel' } }],
      ['daemonsets', 'cilium', workload('cilium-agent', serviceVariables(place))],
      ['deployments', 'cilium-operator', workload('cilium-operator', serviceVariables(place))],
    ],
  }),
  // docs.tigera.io, eBPF data plane: "Configure Calico to talk directly to the API server"; install-cni writes the file.
  calico: ({ host, port }) => ({
    objects: [
      [
        'configmaps',
        'kubernetes-services-endpoint',
        { data: { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } },
      ],
      ['daemonsets', 'calico-node', workload('calico-node', [{ name: 'FELIX_BPFENABLED', value: 'true' }])],
    ],
    file: { path: '/etc/cni/net.d/calico-kubeconfig', text: calicoKubeconfig(`https://${host}:${port}`) },
  }),
}

const workload = (name: string, env: readonly object[]) => ({
  spec: {
    selector: { matchLabels: { 'k8s-app': name } },
    template: { metadata: { labels: { 'k8s-app': name } }, spec: { containers: [{ name, env }] } },
  },
})

const serviceVariables = ({ host, port }: Place) => [
  { name: 'KUBERNETES_SERVICE_HOST', value: host },
  { name: 'KUBERNETES_SERVICE_PORT', value: port },
]

const calicoKubeconfig = (server: string): string => `# Kubeconfig file for Calico CNI plugin. Installed by calico/node.
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: ${server}
users:
- name: calico
contexts:
- name: calico-context
  context:
    cluster: local
    user: calico
current-context: calico-context
`

/** Installs a network plugin that was given the first control plane's own address. */
export function installNetworkPlugin(
  { store }: Site,
  plugin: NetworkPlugin,
  nodes: readonly [SimulatedNode, ...SimulatedNode[]],
): void {
  const { objects, file } = plugins[plugin]({ host: nodes[0].address, port: '6443' })
  for (const [plural, name, object] of objects)
    store.create(keyOf(plural, 'kube-system', name), { ...object, metadata: { name } })
  if (file !== undefined) for (const node of nodes) node.write(file.path, file.text, 0o600)
}
