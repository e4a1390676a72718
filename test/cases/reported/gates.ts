import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import type { NodeFaults } from '../../../lab/simulated/node.js'
import type { PublicCase } from './case.js'
import { inClusterConfiguration, inFile, together } from './put.js'

type Put = (cluster: SimulatedCluster) => Promise<() => Promise<unknown>>

const coreDns = '/apis/apps/v1/namespaces/kube-system/deployments/coredns'
const kubeProxy = '/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy'

/** Merges into an object of the API, and merges something else into it afterwards. */
const merged =
  (path: string | ((cluster: SimulatedCluster) => string), body: object, before: object): Put =>
  async (cluster) => {
    const at = typeof path === 'string' ? path : path(cluster)
    const merge = (wanted: object) =>
      cluster.control.ask('kube', {
        method: 'PATCH',
        path: at,
        body: wanted,
        contentType: 'application/merge-patch+json',
      })
    await merge(body)
    return () => merge(before)
  }

/** A fault of one machine, until it is taken out; seen by the kubelet within a moment. */
const faulty =
  (node: string, faults: NodeFaults, without: NodeFaults): Put =>
  async (cluster) => {
    await cluster.setFaults(node, faults)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    return () => cluster.setFaults(node, without)
  }

const node = (name: string) => (cluster: SimulatedCluster) => `/api/v1/nodes/${cluster.node(name).name}`
const flagged = (component: string, word: string): Put =>
  inFile('cp1', `/etc/kubernetes/manifests/${component}.yaml`, (text) =>
    text.replace(new RegExp(`^( *- )${component}$`, 'm'), `$1${component}\n$1${word}`),
  )

const podsOfCoreDns = (spec: object) => ({ spec: { template: { spec } } })

/**
 * What a gate or a proof at the end asks for and no step can bring about: seen in the plan. A Deployment that is paused keeps its pods where they are,
 * here on two nodes; that it cannot be spread from one is found in test/unit/coordinator/checks.
 */
export const gateCases: readonly PublicCase[] = [
  {
    id: 'coredns-never-ready',
    kind: 'gates',
    source: ['kubernetes/kubeadm#1162', 'kubernetes/kubeadm#1292'],
    input: 'CoreDNS crashes since it was installed: the resolv.conf of its node names no server, or itself',
    outcome: 'blocked',
    answer: 'A blocking finding in the plan, where the run once failed in its last step but one.',
    trial: {
      plan: {
        put: together(
          faulty('cp1', { crashing: ['kube-dns'] }, { crashing: [] }),
          faulty('w1', { crashing: ['kube-dns'] }, { crashing: [] }),
        ),
        finds: [{ check: 'coredns', severity: 'error', evidence: /CrashLoopBackOff/, remedy: /resolv\.conf/ }],
      },
    },
  },
  {
    id: 'coredns-bound-to-one-node',
    kind: 'gates',
    source: ['kubernetes/kubeadm#1931'],
    input: 'CoreDNS with a nodeSelector that one node fits',
    outcome: 'blocked',
    answer: 'A blocking finding: it cannot be on two nodes, also after the joins.',
    trial: {
      plan: {
        put: together(
          merged(node('cp1'), { metadata: { labels: { dns: 'here' } } }, { metadata: { labels: { dns: null } } }),
          merged(
            coreDns,
            { spec: { paused: true, template: { spec: { nodeSelector: { dns: 'here' } } } } },
            { spec: { paused: null, template: { spec: { nodeSelector: { dns: null } } } } },
          ),
        ),
        finds: [
          {
            check: 'coredns',
            severity: 'error',
            message: /only k8smaster1\.example\.com accepts/,
            evidence: /dns=here/,
          },
        ],
      },
    },
  },
  {
    id: 'coredns-off-control-planes',
    kind: 'gates',
    source: ['canonical/k8s-snap#1521'],
    input: 'CoreDNS without the toleration for control planes, one worker',
    outcome: 'blocked',
    answer: 'A blocking finding: one node alone takes its pods.',
    trial: {
      plan: {
        put: together(
          merged(coreDns, { spec: { paused: true } }, { spec: { paused: null } }),
          merged(
            coreDns,
            podsOfCoreDns({ tolerations: [] }),
            podsOfCoreDns({
              tolerations: [
                { key: 'CriticalAddonsOnly', operator: 'Exists' },
                { effect: 'NoSchedule', key: 'node-role.kubernetes.io/control-plane' },
              ],
            }),
          ),
        ),
        finds: [{ check: 'coredns', severity: 'error', message: /only k8sworker1\.example\.com accepts/ }],
      },
    },
  },
  {
    id: 'coredns-one-replica',
    kind: 'gates',
    source: ['kubernetes/kubeadm#1657'],
    input: 'CoreDNS scaled to one replica',
    outcome: 'reported',
    answer: 'It converts; the plan warns that its node takes name resolution with it, and gives the command.',
    trial: {
      plan: {
        put: merged(coreDns, { spec: { replicas: 1 } }, { spec: { replicas: 2 } }),
        finds: [{ check: 'coredns', severity: 'warning', evidence: /replicas: 1/, remedy: /--replicas 2/ }],
      },
    },
  },
  {
    id: 'coredns-scaled-to-zero',
    kind: 'gates',
    source: ['Kubernetes documentation, Using CoreDNS for Service Discovery'],
    input: 'CoreDNS scaled to 0, another DNS answers',
    outcome: 'accepted',
    answer: 'Told in the plan; no gate waits for it.',
    trial: {
      plan: {
        put: merged(coreDns, { spec: { replicas: 0 } }, { spec: { replicas: 2 } }),
        finds: [{ check: 'coredns', severity: 'info', evidence: /0 replicas/ }],
      },
    },
  },
  {
    id: 'kube-proxy-crashes',
    kind: 'gates',
    source: ['kubernetes/kubernetes#118461'],
    input: 'kube-proxy crashes on a worker',
    outcome: 'blocked',
    answer: 'A blocking finding on that node: the rollout of its DaemonSet would not end.',
    trial: {
      plan: {
        put: faulty('w1', { crashing: ['kube-proxy'] }, { crashing: [] }),
        finds: [{ check: 'kube-proxy', severity: 'error', on: 'w1', evidence: /CrashLoopBackOff/ }],
      },
    },
  },
  {
    id: 'kube-proxy-on-delete',
    kind: 'gates',
    source: ['kubernetes-sigs/ip-masq-agent#89', '2gis/k8s-handle#100'],
    input: 'kube-proxy with updateStrategy OnDelete',
    outcome: 'supported',
    answer: 'Its pods are replaced one by one.',
    trial: {
      plan: {
        put: merged(
          kubeProxy,
          { spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null } } },
          { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } } },
        ),
        finds: [],
      },
    },
  },
  {
    id: 'leader-election-off',
    kind: 'gates',
    source: ['kubernetes/minikube#8431'],
    input: 'scheduler with --leader-elect=false, as single node guides have it',
    outcome: 'blocked',
    answer: 'A blocking finding with the line: three of them would all act at once.',
    trial: {
      plan: {
        put: together(
          // In place of the one that is there: of two the last counts.
          inFile('cp1', '/etc/kubernetes/manifests/kube-scheduler.yaml', (text) =>
            text.replace('--leader-elect=true', '--leader-elect=false'),
          ),
          inClusterConfiguration((text) =>
            /^scheduler: \{\}$/m.test(text)
              ? text.replace(
                  /^scheduler: \{\}$/m,
                  'scheduler:\n  extraArgs:\n  - name: leader-elect\n    value: "false"',
                )
              : text,
          ),
        ),
        finds: [{ check: 'leases', severity: 'error', evidence: /kube-scheduler\.yaml: --leader-elect=false/ }],
      },
    },
  },
  ...(['none', 'master-count'] as const).map(
    (type): PublicCase => ({
      id: `endpoint-reconciler-${type}`,
      kind: 'gates',
      source: ['kubernetes/kubernetes#97067', 'kubernetes/kubernetes#56477'],
      input: `an API server with --endpoint-reconciler-type=${type}`,
      outcome: 'blocked',
      answer: 'A blocking finding: a new API server would not put itself behind the Service kubernetes.',
      trial: {
        plan: {
          put: flagged('kube-apiserver', `--endpoint-reconciler-type=${type}`),
          finds: [
            { check: 'api-endpoints', severity: 'error', evidence: new RegExp(`type=${type}`), remedy: /extraArgs/ },
            { check: 'control-planes-alike', severity: 'error', on: 'cp1' },
          ],
        },
      },
    }),
  ),
  {
    id: 'worker-under-pressure',
    kind: 'gates',
    source: ['kubernetes-sigs/kubespray#3049'],
    input: 'a worker with DiskPressure',
    outcome: 'reported',
    answer: 'A warning on that node.',
    trial: {
      plan: {
        put: faulty('w1', { pressures: ['DiskPressure'] }, { pressures: [] }),
        finds: [{ check: 'node-pressure', severity: 'warning', on: 'w1', evidence: /DiskPressure is True/ }],
      },
    },
  },
  {
    id: 'control-plane-label-removed',
    kind: 'gates',
    source: ['kubernetes/kubeadm#1710'],
    input: 'the first control plane without its label',
    outcome: 'blocked',
    answer: 'A blocking finding with the command that labels it.',
    trial: {
      plan: {
        put: merged(
          node('cp1'),
          { metadata: { labels: { 'node-role.kubernetes.io/control-plane': null } } },
          { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } },
        ),
        finds: [{ check: 'nodes-ready', severity: 'error', on: 'cp1', remedy: /kubectl label node/ }],
      },
    },
  },
]
