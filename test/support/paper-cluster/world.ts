import type { ClusterFile, NodeEntry } from '@quorate/coordinator/config/cluster-file'
import type { Finding } from '@quorate/coordinator/conversion/context/finding'
import {
  ClusterFacts,
  ContainerFacts,
  EtcdMember,
  NodeFacts,
  NodeObject,
  PodFacts,
  type Reference,
  type StaticPodFacts,
} from '@quorate/shared/gen/quorate/v1/facts'
import type {
  GetFirewallResponse,
  ProbeEndpointRequest,
  ProbeEndpointResponse,
  TriedChange,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeName } from '@quorate/shared/names'

type Mutable<T> = T extends string | number | boolean ? T : { -readonly [K in keyof T]: Mutable<T[K]> }

/** A cluster as plain facts: sound as `soundWorld` makes it; a test breaks one thing of it. */
export interface World {
  file: Mutable<ClusterFile>
  facts: Record<string, NodeFacts>
  cluster: ClusterFacts
  etcd: { members: EtcdMember[]; alarms: string[]; clusterId: string }
  /** What etcd says of its authentication; `off` where it is not given. */
  etcdAuthentication?: string
  /** What `getent` says of the endpoint's name, by node. */
  resolves: Record<string, string[]>
  /** What a probe from a node meets, where it is not what a sound network gives. */
  probe: (source: string, request: ProbeEndpointRequest) => Partial<ProbeEndpointResponse> | undefined
  /** Lines of a node's own files that name the first control plane. */
  references: Record<string, Reference[]>
  /** p99 of the disk under etcd, ms; 2 where it is not given. */
  diskMs: Record<string, number>
  /** Bytes a second that a node's disk takes and that reach it. */
  rates: Record<string, { readonly disk?: number; readonly path?: number }>
  /** Added to the time that a node's clock says, ms. */
  clockOffsetMs: Record<string, number>
  loadBalancerFindings: Finding[]
  /** Rules of each node's firewall; none where it is not given. */
  firewall?: Record<string, GetFirewallResponse>
  /** Of each node's container runtime; none where it is not given. */
  images?: Record<string, string[]>
  /** Of a control plane's images, by joiner; none where it is not given. */
  missingImages?: Record<string, string[]>
  /** Nodes whose kubelets the API server does not reach. */
  unreached?: string[]
  /** What admission says of changes that are tried. */
  tried?: TriedChange[]
  /** What lies on a node at host paths, by kind, and the hashes of what could be brought. */
  kinds?: Record<string, Record<string, string>>
  sha256?: Record<string, Record<string, string>>
  /** What kubeadm would write for the first control plane; what runs in the sound world unless given. */
  rendered?: StaticPodFacts[]
  /** Containers of a component on a node, by the runtime's word. */
  containers: (node: string, component: string) => ContainerFacts[]
  now: number
}

export const now = Date.UTC(2026, 10, 22, 12)
const day = 86_400_000
export const version = 'v1.37.2'
const names = {
  cp1: 'k8smaster1.example.com',
  cp2: 'k8smaster2.example.com',
  cp3: 'k8smaster3.example.com',
  worker: 'k8sworker1.example.com',
}

export { names as nodeNames }

/** One control plane, two clean joiners, one worker. */
export const soundFile: ClusterFile = {
  name: 'prod',
  endpoint: { host: 'apiserver.example.com', port: 8443 },
  loadBalancer: {
    kind: 'haproxy',
    virtualIP: '192.168.13.100',
    virtualRouterId: 100,
    hosts: [],
    nodePort: undefined,
    underKubelets: false,
  },
  controlPlanes: [entry(names.cp1, 30), entry(names.cp2, 31), entry(names.cp3, 32)],
  workers: [entry(names.worker, 35)],
  policy: {
    controlPlaneKubeconfigs: 'auto',
    manageHosts: false,
    letEtcdListen: false,
    etcdLearners: 'auto',
    adoptManifestChanges: false,
    waves: { canary: 1, width: 10, maxFailed: 0 },
    approvals: 0,
    availabilityBudgetSeconds: 5,
    acceptOutageSeconds: 0,
    ignorePreflightErrors: [],
    ignoreFindings: {},
  },
}

/** The cluster of a file before its conversion, with nothing to complain of. */
export function soundWorld(file: ClusterFile = soundFile): World {
  const [first, ...joining] = file.controlPlanes as [NodeEntry, ...NodeEntry[]]
  const known = (nodes: readonly NodeEntry[], facts: (node: NodeEntry) => NodeFacts) =>
    nodes.map((node) => [node.name, facts(node)] as const)
  return {
    file: structuredClone(file) as Mutable<ClusterFile>,
    facts: Object.fromEntries([
      ...known([first], firstFacts),
      ...known(joining, bareFacts),
      ...known(file.workers, memberFacts),
    ]),
    cluster: clusterFacts(first, file.workers),
    etcd: { members: [member(first)], alarms: [], clusterId: 'cdf818194e3a8c32' },
    resolves: Object.fromEntries(
      [...file.controlPlanes, ...file.workers].map(({ name }) => [name, ['192.168.13.100']]),
    ),
    probe: () => undefined,
    references: {},
    diskMs: {},
    rates: {},
    clockOffsetMs: {},
    loadBalancerFindings: [],
    containers: (node, name) => [container(node, name, `${name}-0`)],
    now,
  }
}

/** The world after the second control plane has joined: what a conversion that stopped half way leaves. */
export function joinSecond(world: World): World {
  const cp2 = world.file.controlPlanes[1] as NodeEntry
  const joined = firstFacts(cp2)
  world.facts[cp2.name] = joined
  world.cluster.nodes.push(nodeObject(cp2, true))
  world.etcd.members.push(member(cp2))
  world.cluster.kubeadmConfig = configMap(clusterConfiguration('controlPlaneEndpoint: apiserver.example.com:8443\n'))
  return world
}

export function entry(name: string, last: number): NodeEntry {
  return { name: name as NodeName, address: `192.168.13.${last}`, agent: `192.168.13.${last}:7445` }
}

/** A node with Kubernetes installed that is in no cluster. */
function bareFacts({ name, address }: NodeEntry): NodeFacts {
  const last = Number(address.split('.')[3])
  return NodeFacts.fromPartial({
    hostname: name,
    agentVersion: '0.1.0',
    schemaVersion: 1,
    clockUnixMs: now,
    clockSynchronised: true,
    machineId: `machine-${last}`,
    productUuid: `uuid-${last}`,
    cpus: 4,
    memoryBytes: 4 * 2 ** 30,
    cgroupVersion: 'v2',
    kubeadmVersion: version,
    kubeadmConfigApi: 'v1beta4',
    kubeletVersion: version,
    kubectlVersion: version,
    haproxyInstalled: true,
    keepalivedInstalled: true,
    containerRuntime: 'containerd 1.7.2',
    criSocket: '/run/containerd/containerd.sock',
    interfaces: [
      { name: 'lo', mac: '00:00:00:00:00:00', addresses: ['127.0.0.1/8'] },
      { name: 'eth0', mac: `52:54:00:00:00:${last}`, addresses: [`${address}/24`], mtu: 1500 },
      { name: 'cali1', mac: 'ee:ee:ee:ee:ee:ee', addresses: [] },
    ],
    units: [{ name: 'kubelet.service', activeState: 'activating', unitFileState: 'enabled' }],
    disks: [{ path: '/', freeBytes: 20 * 2 ** 30, sizeBytes: 40 * 2 ** 30 }],
    listening: [{ port: 22, address: '0.0.0.0', process: 'sshd' }],
    hostsFile: `127.0.0.1 localhost\n${address} ${name}\n`,
    nameservers: ['192.168.13.1'],
    ipForward: true,
    bridgeNetfilter: true,
    runtimeCgroupDriver: 'systemd',
  })
}

function memberFacts(node: NodeEntry): NodeFacts {
  return NodeFacts.fromPartial({
    ...bareFacts(node),
    nodeName: node.name,
    kubeconfigs: [{ path: '/etc/kubernetes/kubelet.conf', purpose: 'kubelet', server: 'https://192.168.13.30:6443' }],
    certificates: [certificate('/var/lib/kubelet/pki/kubelet-client-current.pem', 360)],
    leftovers: ['/etc/kubernetes/kubelet.conf', '/etc/kubernetes/pki/ca.crt'],
  })
}

export function firstFacts(node: NodeEntry): NodeFacts {
  const { address, name } = node
  const url = (port: number) => `https://127.0.0.1:${port},https://${address}:${port}`
  return NodeFacts.fromPartial({
    ...memberFacts(node),
    kubeconfigs: [
      { path: '/etc/kubernetes/kubelet.conf', purpose: 'kubelet', server: 'https://192.168.13.30:6443' },
      { path: '/etc/kubernetes/admin.conf', purpose: 'admin', server: 'https://192.168.13.30:6443' },
    ],
    caKeyPresent: true,
    clusterCaPem: caPem,
    staticPods: [
      {
        component: 'kube-apiserver',
        command: [
          ...['kube-apiserver', `--advertise-address=${address}`, '--secure-port=6443'],
          '--tls-cert-file=/etc/kubernetes/pki/apiserver.crt',
        ],
      },
      {
        component: 'kube-controller-manager',
        command: ['kube-controller-manager', '--controllers=*,bootstrapsigner,tokencleaner'],
      },
      { component: 'kube-scheduler', command: ['kube-scheduler'] },
      {
        component: 'etcd',
        command: [
          'etcd',
          `--name=${name}`,
          `--listen-client-urls=${url(2379)}`,
          `--listen-peer-urls=https://${address}:2380`,
        ],
      },
    ],
    certificates: [
      certificate('/etc/kubernetes/pki/ca.crt', 3600, true),
      { ...certificate('/etc/kubernetes/pki/apiserver.crt', 360), sans: [name, '10.96.0.1', address] },
    ],
    listening: [6443, 2379, 2380, 10250, 10257, 10259].map((port) => ({ port, address: '0.0.0.0', process: 'kube' })),
  })
}

export function certificate(path: string, days: number, isCa = false): NodeFacts['certificates'][number] {
  return {
    path,
    subject: 'CN=x',
    issuer: 'CN=kubernetes',
    serial: '01',
    sans: [],
    notBeforeUnixMs: now - day,
    notAfterUnixMs: now + days * day,
    sha256: 'aa',
    isCa,
    publicKeyPin: '',
  }
}

export function clusterConfiguration(extra = ''): string {
  return `apiServer: {}
apiVersion: kubeadm.k8s.io/v1beta4
certificatesDir: /etc/kubernetes/pki
clusterName: kubernetes
etcd:
  local:
    dataDir: /var/lib/etcd
kind: ClusterConfiguration
kubernetesVersion: ${version}
networking:
  dnsDomain: cluster.local
  serviceSubnet: 10.96.0.0/12
${extra}`
}

export function configMap(text: string) {
  return { text, resourceVersion: '1', sha256: 'aa', present: true, writtenUnixMs: 0 }
}

export const container = (node: string, name: string, id: string): ContainerFacts =>
  ContainerFacts.fromPartial({ id, name, pod: `${name}-${node}`, namespace: 'kube-system', state: 'CONTAINER_RUNNING' })

const caPem = pem('the CA')

/** Looks like a certificate: the checks compare, they do not read it. */
export function pem(text: string): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(text).toString('base64')}\n-----END CERTIFICATE-----\n`
}

export function clusterInfoOf(ca: string): string {
  const data = Buffer.from(ca).toString('base64')
  const cluster = `{certificate-authority-data: ${data}, server: https://192.168.13.30:6443}`
  return `apiVersion: v1\nkind: Config\nclusters:\n- name: ""\n  cluster: ${cluster}\n`
}

function clusterFacts(first: NodeEntry, workers: readonly NodeEntry[]): ClusterFacts {
  const count = 1 + workers.length
  return ClusterFacts.fromPartial({
    kubernetesVersion: version,
    kubeadmConfig: configMap(clusterConfiguration()),
    clusterInfo: configMap(clusterInfoOf(caPem)),
    leases: ['kube-controller-manager', 'kube-scheduler'].map((name) => ({
      namespace: 'kube-system',
      name,
      holder: `${first.name}_7d2c1a40-0c58-4c67-9a0b-7f1d0f1c2b3a`,
      renewedUnixMs: now,
    })),
    coreDns: {
      replicas: 2,
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: ['CriticalAddonsOnly:', 'node-role.kubernetes.io/control-plane=:NoSchedule'],
    },
    kubeProxyRollout: { generation: 1, observedGeneration: 1, desired: count, updated: count, available: count },
    pods: [
      ...[first, ...workers].map(({ name }) => systemPod('kube-proxy', name)),
      ...[first, first].map(({ name }, index) => systemPod('kube-dns', name, `coredns-${index}`)),
    ],
    kubeProxy: configMap(clusterInfoOf(caPem)),
    kubeletConfig: configMap(
      'apiVersion: kubelet.config.k8s.io/v1beta1\ncgroupDriver: systemd\nkind: KubeletConfiguration\n',
    ),
    nodes: [nodeObject(first, true), ...workers.map((worker) => nodeObject(worker, false))],
    anonymousReadyz: true,
  })
}

export const systemPod = (app: string, node: string, name = `${app}-${node}`): PodFacts =>
  PodFacts.fromPartial({ namespace: 'kube-system', name, node, app, ready: true, revision: '1' })

export function nodeObject({ name, address }: { name: string; address: string }, controlPlane: boolean): NodeObject {
  return NodeObject.fromPartial({
    name,
    internalIps: [address],
    ready: true,
    controlPlane,
    taints: controlPlane ? ['node-role.kubernetes.io/control-plane:NoSchedule'] : [],
    kubeletVersion: version,
    labels: { 'kubernetes.io/os': 'linux' },
    leaseRenewedUnixMs: now,
    heartbeatUnixMs: now,
  })
}

export function member({ name, address }: NodeEntry): EtcdMember {
  return EtcdMember.fromPartial({
    id: `id-${address}`,
    name,
    peerUrls: [`https://${address}:2380`],
    clientUrls: [`https://${address}:2379`],
    status: { version: '3.6.5', dbSizeBytes: 20 * 2 ** 20, clusterId: 'cdf818194e3a8c32' },
  })
}
