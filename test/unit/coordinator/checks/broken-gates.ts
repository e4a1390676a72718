import { nodeNames, systemPod, type World } from '../../../support/paper-cluster/world.js'
import type { BrokenWorld } from './broken-worlds.js'

const { cp1, worker } = nodeNames
const inCluster = (w: World, name: string) => w.cluster.nodes.find((node) => node.name === name)
const pods = (w: World, app: string) => w.cluster.pods.filter((pod) => pod.app === app)
const flag = (w: World, component: string, word: string) =>
  w.facts[cp1]?.staticPods.find((pod) => pod.component === component)?.command.push(word)
const waits = { ready: false, waitsFor: 'CrashLoopBackOff: back-off 5m0s restarting failed container' }

/** What a gate or proof at the end asks for and no step brings about. */
export const brokenGates: readonly BrokenWorld[] = [
  {
    check: 'coredns',
    what: 'never ready: resolv.conf of its node names no server',
    evidence: /coredns-0 on k8smaster1.*: CrashLoopBackOff: back-off/,
    breaks: (w) => pods(w, 'kube-dns').map((pod) => Object.assign(pod, waits)),
  },
  {
    check: 'coredns',
    what: 'one of two not ready',
    evidence: /^coredns-1 on k8smaster1.*: ContainerCreating$/,
    breaks: (w) => Object.assign(pods(w, 'kube-dns')[1] ?? {}, { ready: false, waitsFor: 'ContainerCreating' }),
  },
  {
    check: 'coredns',
    what: 'its Deployment makes no pods',
    evidence: /^0 pods of 2$/,
    breaks: (w) => {
      w.cluster.pods = pods(w, 'kube-proxy')
    },
  },
  {
    check: 'coredns',
    what: 'bound to one node by its nodeSelector',
    evidence: /nodeSelector dns=here/,
    breaks: (w) => {
      Object.assign(w.cluster.coreDns ?? {}, { nodeSelector: { dns: 'here' } })
      Object.assign(inCluster(w, cp1)?.labels ?? {}, { dns: 'here' })
    },
  },
  {
    check: 'coredns',
    what: 'no toleration for control planes, and the one worker cordoned',
    evidence: /tolerations none/,
    breaks: (w) => {
      Object.assign(w.cluster.coreDns ?? {}, { tolerations: [] })
      inCluster(w, worker)?.taints.push('node.kubernetes.io/unschedulable:NoSchedule')
      inCluster(w, cp1)?.taints.push('node-role.kubernetes.io/control-plane:NoSchedule')
    },
  },
  {
    check: 'coredns',
    what: 'paused, all on one node',
    evidence: /spec\.paused: true/,
    breaks: (w) => Object.assign(w.cluster.coreDns ?? {}, { paused: true }),
  },
  {
    check: 'coredns',
    what: 'one replica',
    severity: 'warning',
    evidence: /replicas: 1, on k8smaster1/,
    breaks: (w) => {
      Object.assign(w.cluster.coreDns ?? {}, { replicas: 1 })
      w.cluster.pods.pop()
    },
  },
  {
    check: 'coredns',
    what: 'no replicas',
    severity: 'info',
    evidence: /0 replicas/,
    breaks: (w) => {
      Object.assign(w.cluster.coreDns ?? {}, { replicas: 0 })
      w.cluster.pods = pods(w, 'kube-proxy')
    },
  },
  {
    check: 'coredns',
    what: 'another DNS instead of it',
    severity: 'info',
    evidence: /pods with k8s-app=kube-dns: none/,
    breaks: (w) => {
      w.cluster.coreDns = undefined
      w.cluster.pods = pods(w, 'kube-proxy')
    },
  },
  {
    check: 'coredns',
    what: 'pods of another Deployment, all on one node',
    evidence: /no deployment\/kube-system\/coredns; pods .*coredns-0, coredns-1/,
    breaks: (w) => {
      w.cluster.coreDns = undefined
    },
  },
  {
    check: 'kube-proxy',
    what: 'a pod that crashes',
    node: worker,
    evidence: /CrashLoopBackOff/,
    breaks: (w) => {
      Object.assign(pods(w, 'kube-proxy')[1] ?? {}, waits)
      Object.assign(w.cluster.kubeProxyRollout ?? {}, { available: 1 })
    },
  },
  {
    check: 'kube-proxy',
    what: 'a Node that is gone and was never deleted',
    evidence: /kube-proxy-gone on gone/,
    breaks: (w) => {
      w.cluster.nodes.push({ ...(inCluster(w, worker) as NonNullable<ReturnType<typeof inCluster>>), name: 'gone' })
      w.cluster.pods.push({ ...systemPod('kube-proxy', 'gone'), ready: false })
      Object.assign(w.cluster.kubeProxyRollout ?? {}, { desired: 3, updated: 3, available: 2 })
    },
  },
  {
    check: 'kube-proxy',
    what: 'a rollout that does not go on',
    evidence: /1 of 2 updated, 2 available/,
    breaks: (w) => Object.assign(w.cluster.kubeProxyRollout ?? {}, { updated: 1 }),
  },
  {
    check: 'kube-proxy',
    what: 'rules that lead nowhere',
    node: worker,
    evidence: /Service kubernetes from k8sworker1.* \(10\.96\.0\.1:443\): connect ECONNREFUSED/,
    breaks: (w) => {
      w.cluster.kubernetesService = { address: '10.96.0.1', port: 443 }
      const { probe } = w
      w.probe = (source, asked) => {
        if (asked.host !== '10.96.0.1') return probe(source, asked)
        return source === worker
          ? { reached: 'tcp', error: 'connect ECONNREFUSED' }
          : { reached: 'done', httpStatus: 200 }
      }
    },
  },
  {
    check: 'kube-proxy',
    what: 'a controller that does not see its DaemonSet',
    evidence: /generation 3, observed 2/,
    breaks: (w) => Object.assign(w.cluster.kubeProxyRollout ?? {}, { generation: 3, observedGeneration: 2 }),
  },
  {
    check: 'leases',
    what: 'a scheduler that renews no more',
    evidence: /holder k8smaster1.*renewed 2026-11-2/,
    breaks: (w) => {
      const lease = w.cluster.leases.find(({ name }) => name === 'kube-scheduler')
      if (lease !== undefined) lease.renewedUnixMs -= 120_000
    },
  },
  {
    check: 'leases',
    what: 'no Lease of the controller-manager',
    evidence: /no Lease kube-system\/kube-controller-manager/,
    breaks: (w) => {
      w.cluster.leases = w.cluster.leases.filter(({ name }) => name !== 'kube-controller-manager')
    },
  },
  {
    check: 'leases',
    what: 'a controller-manager that elects nobody',
    evidence: /kube-controller-manager\.yaml: --leader-elect=false/,
    breaks: (w) => flag(w, 'kube-controller-manager', '--leader-elect=false'),
  },
  {
    check: 'node-pressure',
    what: 'a full disk',
    severity: 'warning',
    node: worker,
    evidence: /DiskPressure is True/,
    breaks: (w) => inCluster(w, worker)?.pressures.push('DiskPressure'),
  },
  {
    check: 'api-endpoints',
    what: 'nobody enters itself',
    evidence: /--endpoint-reconciler-type=none/,
    breaks: (w) => flag(w, 'kube-apiserver', '--endpoint-reconciler-type=none'),
  },
  {
    check: 'nodes-ready',
    what: 'the first control plane lost its label',
    node: cp1,
    evidence: /no label node-role/,
    breaks: (w) => Object.assign(inCluster(w, cp1) ?? {}, { controlPlane: false }),
  },
  {
    check: 'nodes-ready',
    what: 'a worker with the label of a control plane',
    node: worker,
    evidence: /: label node-role/,
    breaks: (w) => Object.assign(inCluster(w, worker) ?? {}, { controlPlane: true }),
  },
]
