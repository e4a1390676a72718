import type { ClusterFile, NodeEntry } from '@quorate/coordinator/config/cluster-file'
import {
  type ClusterFacts,
  type ConfigMapText,
  type EtcdMember,
  type NodeFacts,
  UnitState,
} from '@quorate/shared/gen/quorate/v1/facts'
import { sha256Hex } from '@quorate/shared/hash'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import type { NodeName } from '@quorate/shared/names'
import { filePlace } from '@quorate/shared/text-place'
import { type FixtureVersion, fixture, fixtureData } from '../fixtures.js'
import { entry, firstFacts, member, nodeObject, soundFile, soundWorld, systemPod, type World } from './world.js'

export const place = filePlace('/etc/kubernetes/admin.conf')

/** The machines of the fixtures. */
export const clusterFile: ClusterFile = {
  ...soundFile,
  name: 'paper',
  workers: [entry('k8sworker1.example.com', 35), entry('k8sworker2.example.com', 36)],
  policy: { ...soundFile.policy, manageHosts: true },
}

/** The name of a machine of the fixtures. */
export const nodeName = (short: string) => `${short}.example.com` as NodeName

/** One operation that was asked for. */
export interface Asked {
  readonly node: string
  readonly method: string
  readonly request: Record<string, unknown>
}

export interface Kubeconfig {
  readonly purpose: string
  readonly path: string
  text: string
}

export interface PaperNode {
  readonly entry: NodeEntry
  readonly facts: NodeFacts
  kubeconfigs: Kubeconfig[]
  /** `process` -> server that it uses: what it read when it was started last. */
  connected: Map<string, string>
  /** component -> how often it was started. */
  containers: Map<string, number>
  backends: readonly { name: string; address: string; port: number }[]
  /** How far its clock is ahead of the API's. */
  clockAheadMs: number
}

/** What is true of a cluster on paper: its agents answer from it, and their operations change it. */
export class PaperState {
  readonly asked: Asked[] = []
  readonly nodes = new Map<string, PaperNode>()
  /** What is not of one node, and all that nodes answer alike. */
  readonly world: World
  readonly file: ClusterFile
  /** sha256 of the API server certificate of the first control plane. */
  certificate = 'old-certificate'
  /** Connections that the load balancers took: each backend has its turn. */
  turn = 0
  /** Of the API server; it moves on with every look. */
  clock = Date.now()

  constructor(version: FixtureVersion, file: ClusterFile = clusterFile) {
    this.file = file
    this.world = soundWorld(file)
    Object.assign(this.cluster, {
      kubernetesVersion: version,
      kubeadmConfig: configMapText(fixtureData(version, 'before/cm-kubeadm-config.yaml', 'ClusterConfiguration')),
      clusterInfo: configMapText(fixtureData(version, 'before/cm-cluster-info.yaml', 'kubeconfig')),
      kubeProxy: configMapText(fixtureData(version, 'before/cm-kube-proxy.yaml', 'kubeconfig.conf')),
      apiServerAddresses: [file.controlPlanes[0]?.address],
    })
    for (const object of this.cluster.nodes)
      Object.assign(object, { kubeletVersion: version, leaseRenewedUnixMs: this.clock })
    for (const pod of this.cluster.pods) if (pod.app === 'kube-proxy') pod.startedUnixMs = this.clock
    for (const node of [...file.controlPlanes, ...file.workers]) this.#addNode(node, version)
  }

  get cluster(): ClusterFacts {
    return this.world.cluster
  }

  get members(): EtcdMember[] {
    return this.world.etcd.members
  }

  set members(members: EtcdMember[]) {
    this.world.etcd.members = members
  }

  node(short: string): PaperNode {
    return this.nodes.get(nodeName(short)) as PaperNode
  }

  configMap(key: 'kubeadmConfig' | 'clusterInfo' | 'kubeProxy'): ConfigMapText {
    return this.cluster[key] as ConfigMapText
  }

  #addNode(node: NodeEntry, version: FixtureVersion): void {
    const facts = this.world.facts[node.name] as NodeFacts
    Object.assign(facts, { kubeadmVersion: version, kubeletVersion: version, kubectlVersion: version })
    facts.kubeadmConfigApi = version === 'v1.30.4' ? 'v1beta3' : 'v1beta4'
    facts.interfaces = [{ name: 'host0', mac: '', addresses: [`${node.address}/24`], mtu: 1500 }]
    facts.units = ['kubelet', 'quorate-haproxy', 'quorate-keepalived'].map((unit) =>
      UnitState.fromPartial({
        name: unit,
        activeState: unit === 'kubelet' ? 'active' : 'inactive',
        activeSinceUnixMs: 500,
      }),
    )
    const paper: PaperNode = {
      ...{ entry: node, facts, kubeconfigs: [], backends: [], clockAheadMs: 0 },
      ...{ connected: new Map(), containers: new Map() },
    }
    this.nodes.set(node.name, paper)
    const before = (file: string) => fixture(version, `before/${file}.conf`)
    const path = '/etc/kubernetes/kubelet.conf'
    if (this.file.workers.includes(node))
      paper.kubeconfigs.push({ purpose: 'kubelet', path, text: before('worker-kubelet') })
    if (node === this.file.controlPlanes[0])
      this.makeControlPlane(paper, ['admin', 'super-admin', 'controller-manager', 'scheduler', 'kubelet'], before)
    if (paper.kubeconfigs.length > 0) this.#connectAll(paper)
  }

  /** Gives a node what kubeadm writes on a control plane. */
  makeControlPlane(paper: PaperNode, purposes: readonly string[], text: (purpose: string) => string): void {
    for (const purpose of purposes)
      paper.kubeconfigs.push({ purpose, path: `/etc/kubernetes/${purpose}.conf`, text: text(purpose) })
    const { clusterCaPem, staticPods, certificates } = firstFacts(paper.entry)
    // The API server's own certificate first: tests break it.
    Object.assign(paper.facts, { clusterCaPem, staticPods, certificates: certificates.toReversed() })
    for (const certificate of certificates)
      Object.assign(certificate, certificate.isCa ? { publicKeyPin: 'sha256:aabb' } : { sha256: 'old-certificate' })
    for (const component of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
      paper.containers.set(component, 1)
  }

  /** A control plane becomes part of the cluster. */
  enter(paper: PaperNode): void {
    const { entry: node } = paper
    const kubeletVersion = this.cluster.kubernetesVersion
    this.cluster.nodes.push({ ...nodeObject(node, true), kubeletVersion, leaseRenewedUnixMs: this.clock })
    this.cluster.pods.push({ ...systemPod('kube-proxy', node.name), startedUnixMs: Date.now() })
    this.cluster.apiServerAddresses.push(node.address)
    this.members.push(member(node))
    this.#connectAll(paper)
  }

  #connectAll(paper: PaperNode): void {
    for (const process of ['kubelet', 'kube-proxy']) this.connect(paper, process)
  }

  /** A process of the node starts, and uses the server that its kubeconfig names now. */
  connect(paper: PaperNode, process: string): void {
    const kubelet = paper.kubeconfigs.find(({ purpose }) => purpose === 'kubelet')?.text ?? ''
    paper.connected.set(
      process,
      readKubeconfig(process === 'kubelet' ? kubelet : (this.cluster.kubeProxy?.text ?? ''), place).server,
    )
  }
}

/** A ConfigMap's text, as facts have it. */
export function configMapText(text: string) {
  return { text, sha256: sha256Hex(text), resourceVersion: '1', present: true, writtenUnixMs: 0 }
}
