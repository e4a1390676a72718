import type { ClusterFile, NodeEntry } from '@quorate/coordinator/config/cluster-file'
import type { ConversionRun } from '@quorate/coordinator/conversion/context/run'
import type { Action, DoneAction } from '@quorate/coordinator/engine/step'
import type { Agent, ChangeCall } from '@quorate/coordinator/fleet/agent'
import { setControlPlaneEndpoint, turnOnFeatureGate } from '@quorate/shared/cluster-config-map'
import { QuorateError } from '@quorate/shared/errors'
import {
  type ClusterFacts,
  type ConfigMapText,
  type EtcdMember,
  type NodeFacts,
  UnitState,
} from '@quorate/shared/gen/quorate/v1/facts'
import { type ProbeEndpointRequest, ProbeEndpointResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { withHostsBlock, withoutHostsBlock } from '@quorate/shared/hosts-file'
import { kubeconfigClusters, pointKubeconfigAt, readKubeconfig } from '@quorate/shared/kubeconfig'
import { renderHaproxy, renderKeepalived } from '@quorate/shared/load-balancer-config'
import { placeOf } from '@quorate/shared/load-balancer-place'
import { renderLoadBalancerUnit } from '@quorate/shared/load-balancer-unit'
import type { NodeName } from '@quorate/shared/names'
import { redactKubeconfig } from '@quorate/shared/redact-kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import { type FixtureVersion, fixture, fixtureData } from '../fixtures.js'
import { type Answers, answersOf, readingAgent, runOver } from './reads.js'
import { entry, firstFacts, member, nodeObject, soundFile, soundWorld, systemPod, type World } from './world.js'

const place = filePlace('/etc/kubernetes/admin.conf')

const haproxyPlace = placeOf('haproxy', {})
const keepalivedPlace = placeOf('keepalived', {})

/** The machines of the fixtures. */
export const clusterFile: ClusterFile = {
  ...soundFile,
  name: 'paper',
  workers: [entry('k8sworker1.example.com', 35), entry('k8sworker2.example.com', 36)],
  policy: { ...soundFile.policy, manageHosts: true },
}

const name = (short: string) => `${short}.example.com` as NodeName
const apiserverPath = '/etc/kubernetes/pki/apiserver.crt'

/** One operation that was asked for. */
export interface Asked {
  readonly node: string
  readonly method: string
  readonly request: Record<string, unknown>
}

interface Kubeconfig {
  readonly purpose: string
  readonly path: string
  text: string
}

interface PaperNode {
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

/**
 * A cluster on paper: facts as real clusters of the fixtures have them, and of each operation only its effect on facts. It shows what the
 * steps decide and ask for; that agents do it is for the tests with real agents.
 */
export class PaperCluster {
  readonly asked: Asked[] = []
  readonly nodes = new Map<string, PaperNode>()
  /** What is not of one node, and all that nodes answer alike. */
  readonly world: World
  readonly file: ClusterFile
  /** Answers before the effect: throws what the operation shall fail with. */
  failing: (asked: Asked) => void = () => undefined
  kubeadmErrors: string[] = []
  #certificate = 'old-certificate'
  #turn = 0
  #clock = Date.now()

  constructor(version: FixtureVersion, file: ClusterFile = clusterFile) {
    this.file = file
    this.world = soundWorld(file)
    Object.assign(this.cluster, {
      kubernetesVersion: version,
      kubeadmConfig: this.#text(fixtureData(version, 'before/cm-kubeadm-config.yaml', 'ClusterConfiguration')),
      clusterInfo: this.#text(fixtureData(version, 'before/cm-cluster-info.yaml', 'kubeconfig')),
      kubeProxy: this.#text(fixtureData(version, 'before/cm-kube-proxy.yaml', 'kubeconfig.conf')),
      apiServerAddresses: [file.controlPlanes[0]?.address],
    })
    for (const object of this.cluster.nodes)
      Object.assign(object, { kubeletVersion: version, leaseRenewedUnixMs: this.#clock })
    for (const pod of this.cluster.pods) if (pod.app === 'kube-proxy') pod.startedUnixMs = this.#clock
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

  run(): ConversionRun {
    return runOver('20261122t120000-abcdef', this.file, (node) => this.agent(node))
  }

  node(short: string): PaperNode {
    return this.nodes.get(name(short)) as PaperNode
  }

  configMap(key: 'kubeadmConfig' | 'clusterInfo' | 'kubeProxy'): ConfigMapText {
    return this.cluster[key] as ConfigMapText
  }

  /** Methods that were asked for on a node, in order. */
  methods(short: string): string[] {
    return this.asked.filter(({ node }) => node === name(short)).map(({ method }) => method)
  }

  agent(node: NodeEntry): Agent {
    const agent: Agent = {
      ...readingAgent(this.world, node.name, this.#answers(node)),
      change: (async (method: string, request: Record<string, unknown>, call: ChangeCall, label = '') => {
        const asked = { node: node.name, method, request }
        return call.operation({ agent, method: method as never, label }, async () => {
          this.asked.push(asked)
          this.failing(asked)
          return OperationResult.fromPartial((this.#change(node, method, request as never) as object | undefined) ?? {})
        })
      }) as never,
      checkJoin: async () => ({ errors: this.kubeadmErrors, warnings: [] }),
      watchAvailability: async function* ({ targets }, { signal } = {}) {
        while (signal?.aborted !== true) {
          const seen = targets.map(({ name: target }) => ({
            ...{ name: target, asked: 5, failed: 0, longestGapMs: 60, openGapMs: 0, stalledMs: 0, outages: [] },
          }))
          yield { atUnixMs: Date.now(), seen }
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      },
      readBackup: async function* () {
        yield new Uint8Array(5_000)
      },
    }
    return agent
  }

  #text(text: string) {
    return { text, sha256: sha256Hex(text), resourceVersion: '1', present: true, writtenUnixMs: 0 }
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
      this.#makeControlPlane(paper, ['admin', 'super-admin', 'controller-manager', 'scheduler', 'kubelet'], before)
    if (paper.kubeconfigs.length > 0) this.#connectAll(paper)
  }

  #makeControlPlane(paper: PaperNode, purposes: readonly string[], text: (purpose: string) => string): void {
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
  #enter(paper: PaperNode): void {
    const { entry: node } = paper
    const kubeletVersion = this.cluster.kubernetesVersion
    this.cluster.nodes.push({ ...nodeObject(node, true), kubeletVersion, leaseRenewedUnixMs: this.#clock })
    this.cluster.pods.push({ ...systemPod('kube-proxy', node.name), startedUnixMs: Date.now() })
    this.cluster.apiServerAddresses.push(node.address)
    this.members.push(member(node))
    this.#connectAll(paper)
  }

  #connectAll(paper: PaperNode): void {
    for (const process of ['kubelet', 'kube-proxy']) this.#connect(paper, process)
  }

  #connect(paper: PaperNode, process: string): void {
    const kubelet = paper.kubeconfigs.find(({ purpose }) => purpose === 'kubelet')?.text ?? ''
    paper.connected.set(
      process,
      readKubeconfig(process === 'kubelet' ? kubelet : (this.cluster.kubeProxy?.text ?? ''), place).server,
    )
  }

  #factsOf(paper: PaperNode): NodeFacts {
    const kubeconfigs = paper.kubeconfigs.map(({ purpose, path, text }) => ({
      ...{
        purpose,
        path,
        sha256: sha256Hex(text),
        server: readKubeconfig(text, place).server,
        redactedText: redactKubeconfig(text),
      },
      ...{
        mode: 0o600,
        uid: 0,
        gid: 0,
        symlink: false,
        linkTarget: '',
        problem: '',
        remedy: '',
        embeddedClientCertificate: false,
      },
      clusters: kubeconfigClusters(text, place).map((one) => ({ ...one })),
    }))
    return { ...structuredClone(paper.facts), clockUnixMs: Date.now() + paper.clockAheadMs, kubeconfigs }
  }

  #answers(node: NodeEntry): Answers {
    const paper = this.nodes.get(node.name) as PaperNode
    const own: Answers = {
      getNodeFacts: () => ({ facts: this.#factsOf(paper) }),
      getClusterFacts: ({ find }: { find: string[] }) => ({
        facts: { ...this.#tick(), references: this.#references(find) },
      }),
      listControlPlaneImages: () => ({ wanted: [], missing: [] }),
      renderManifests: () => ({ pods: structuredClone(this.world.rendered ?? paper.facts.staticPods) }),
      listContainers: ({ names }: { names: string[] }) => ({
        containers: names.map((one) => ({ id: `${one}-${paper.containers.get(one)}`, name: one, state: 'running' })),
      }),
      listSockets: () => ({ sockets: this.#sockets(paper) }),
      findReferences: ({ find }: { find: string[] }) => ({ references: linesOf(paper, find), skipped: [] }),
      resolveName: () => ({ addresses: paper.facts.hostsFile.includes('# BEGIN quorate') ? ['192.168.13.100'] : [] }),
      probeEndpoint: (probe: ProbeEndpointRequest) =>
        ProbeEndpointResponse.fromPartial(this.world.probe(node.name, probe) ?? this.#meet(probe)),
      probeKubeconfig: ({ purpose }: { purpose: string }) => ({
        server: readKubeconfig(paper.kubeconfigs.find((one) => one.purpose === purpose)?.text ?? '', place).server,
        httpStatus: 200,
        error: '',
      }),
      probeDiscovery: () => ({
        signatureValid: this.cluster.joinTokenIds.length > 0,
        server: readKubeconfig(this.cluster.clusterInfo?.text ?? '', place).server,
        error: '',
      }),
      getOperation: () => ({ state: 'unknown' }),
      getSealingKey: () => ({ recipient: `age1${node.name}`, signature: Buffer.alloc(0), certificatePem: '' }),
    }
    return { ...answersOf(this.world, node.name), ...own }
  }

  /** Every look is a little later: leases of those that hold them have moved on. */
  #tick(): ClusterFacts {
    this.#clock += 1
    const holders = ['kube-controller-manager', 'kube-scheduler']
    this.cluster.leases = holders.map((lease) => ({
      namespace: 'kube-system',
      name: lease,
      holder: `${name('k8smaster1')}_x`,
      renewedUnixMs: this.#clock,
    }))
    return structuredClone(this.cluster)
  }

  #references(find: readonly string[]) {
    const texts = {
      'configmap/kube-system/kube-proxy data.kubeconfig.conf': this.cluster.kubeProxy?.text,
      'configmap/kube-public/cluster-info data.kubeconfig': this.cluster.clusterInfo?.text,
    }
    return Object.entries(texts).flatMap(([where, text]) =>
      (text ?? '')
        .split('\n')
        .filter((line) => find.some((one) => line.includes(one)))
        .map((line) => ({ where, line: line.trim() })),
    )
  }

  #sockets(paper: PaperNode) {
    return [...paper.connected].map(([process, server]) => {
      const { hostname, port } = new URL(server)
      return {
        process,
        peerAddress: hostname === this.file.endpoint.host ? '192.168.13.100' : hostname,
        peerPort: Number(port),
      }
    })
  }

  /** What answers at an address: the API server there, or by the load balancer in turns one of its backends. */
  #meet({ host, port }: ProbeEndpointRequest): Partial<ProbeEndpointResponse> {
    const viaBalancer = port === this.file.endpoint.port
    const balancer = [...this.nodes.values()].find((one) => one.entry.address === host) ?? this.node('k8smaster1')
    if (viaBalancer && balancer.backends.length === 0) return { reached: 'tcp', error: 'connect ECONNREFUSED' }
    const address = viaBalancer ? balancer.backends[this.#turn++ % balancer.backends.length]?.address : host
    const server = [...this.nodes.values()].find((one) => one.entry.address === address)
    if (server === undefined) return { reached: 'tcp', error: 'connect EHOSTUNREACH' }
    if (port !== 6443 && !viaBalancer) return { reached: 'done', certificateSha256: `throw-away-${server.entry.name}` }
    if (!server.containers.has('kube-apiserver'))
      return { reached: 'tls', certificateSha256: `throw-away-${server.entry.name}` }
    const certificateSha256 =
      server === this.node('k8smaster1') ? this.#certificate : `certificate-${server.entry.name}`
    return { reached: 'done', address: address ?? '', httpStatus: 200, certificateSha256, certificateSerial: '02' }
  }

  #change(node: NodeEntry, method: string, request: never): unknown {
    const paper = this.nodes.get(node.name) as PaperNode
    const touched = (one: string) => ({ touched: [{ name: one, sha256Before: 'a', sha256After: 'b' }] })
    const effects: Record<string, (request: never) => unknown> = {
      snapshotEtcd: () => ({ facts: { sha256: 'aa', revision: '100', size_bytes: '4000' } }),
      backUpFiles: ({ includeApiObjects }: { includeApiObjects: boolean }) => ({
        facts: {
          '/etc/kubernetes/kubelet.conf': 'aa',
          ...(includeApiObjects ? { 'configmap/kube-system/kubeadm-config': 'bb' } : {}),
        },
      }),
      applyLoadBalancer: (
        wanted: Parameters<typeof renderHaproxy>[0] & {
          virtualIp: string
          virtualRouterId: number
          priority: number
          ownAddress: string
          peers: string[]
        },
      ) => {
        paper.backends = wanted.backends
        const keepalived = renderKeepalived({
          ...wanted,
          peers: wanted.peers.filter((peer) => peer !== wanted.ownAddress),
          interfaceName: 'host0',
          prefixLength: 24,
        })
        paper.facts.loadBalancerConfigs = {
          [haproxyPlace.configPath]: renderHaproxy(wanted),
          [keepalivedPlace.configPath]: keepalived,
          [haproxyPlace.unitPath ?? '']: renderLoadBalancerUnit(haproxyPlace, ''),
          [keepalivedPlace.unitPath ?? '']: renderLoadBalancerUnit(keepalivedPlace, ''),
        }
        for (const unit of paper.facts.units) unit.activeState = 'active'
        const [host] = paper.facts.interfaces
        // All BACKUP and nopreempt: who comes first keeps it.
        const held = [...this.nodes.values()].some(({ facts }) =>
          facts.interfaces.some(({ addresses }) => addresses.includes(`${wanted.virtualIp}/24`)),
        )
        if (!held) host?.addresses.push(`${wanted.virtualIp}/24`)
      },
      stopLoadBalancer: () => {
        paper.facts.loadBalancerConfigs = {}
      },
      writeHostsBlock: (block: { name: string; address: string }) => {
        paper.facts.hostsFile = withHostsBlock(paper.facts.hostsFile, block.name, block.address)
      },
      removeHostsBlock: () => {
        paper.facts.hostsFile = withoutHostsBlock(paper.facts.hostsFile)
      },
      regenerateCertificate: ({ sans }: { sans: string[] }) => {
        const own = apiserverCertificate(paper)
        own?.sans.push(...sans)
        if (own !== undefined) own.sha256 = 'new-certificate'
        this.#certificate = 'new-certificate'
        return touched(apiserverPath)
      },
      updateKubeadmConfig: (wish: { controlPlaneEndpoint: string; certSans: string[] }) => {
        this.cluster.kubeadmConfig = this.#text(
          setControlPlaneEndpoint(this.cluster.kubeadmConfig?.text ?? '', wish.controlPlaneEndpoint, wish.certSans),
        )
        return touched('configmap/kube-system/kubeadm-config')
      },
      useEtcdLearners: () => {
        const text = this.cluster.kubeadmConfig?.text ?? ''
        const after = turnOnFeatureGate(text, 'EtcdLearnerMode')
        paper.facts.learnerGateBefore = { runId: 'r', text, sha256After: sha256Hex(after) }
        this.cluster.kubeadmConfig = this.#text(after)
        return touched('configmap/kube-system/kubeadm-config')
      },
      restoreLearnerGate: () => {
        const kept = paper.facts.learnerGateBefore
        paper.facts.learnerGateBefore = undefined
        if (kept === undefined) return undefined
        this.cluster.kubeadmConfig = this.#text(kept.text)
        return touched('configmap/kube-system/kubeadm-config')
      },
      updateClusterInfo: ({ server }: { server: string }) => {
        this.cluster.clusterInfo = this.#text(pointKubeconfigAt(this.cluster.clusterInfo?.text ?? '', server, place))
      },
      updateKubeProxy: ({ server }: { server: string }) => {
        this.cluster.kubeProxy = this.#text(pointKubeconfigAt(this.cluster.kubeProxy?.text ?? '', server, place))
        for (const one of this.nodes.values()) if (one.connected.has('kube-proxy')) this.#connect(one, 'kube-proxy')
        return touched('configmap/kube-system/kube-proxy')
      },
      rewriteKubeconfig: ({ purpose, server }: { purpose: string; server: string }) => {
        const file = paper.kubeconfigs.find((one) => one.purpose === purpose) as Kubeconfig
        file.text = pointKubeconfigAt(file.text, server, place)
        return touched(file.path)
      },
      restartKubelet: () => {
        this.#connect(paper, 'kubelet')
        this.#clock += 1
        for (const unit of paper.facts.units) if (unit.name === 'kubelet') unit.activeSinceUnixMs = this.#clock
        for (const object of this.cluster.nodes)
          if (object.name === node.name) object.leaseRenewedUnixMs = this.#clock + 1
      },
      restartStaticPod: ({ component }: { component: string }) =>
        paper.containers.set(component, (paper.containers.get(component) ?? 0) + 1),
      createJoinToken: ({ recipients }: { recipients: { node: string }[] }) => this.#makeToken(recipients),
      uploadCertificates: ({ recipients }: { recipients: { node: string }[] }) => this.#makeToken(recipients),
      deleteJoinSecrets: ({ tokenId }: { tokenId: string }) => {
        this.cluster.joinTokenIds = this.cluster.joinTokenIds.filter((id) => id !== tokenId)
      },
      joinControlPlane: () => this.#join(paper),
      removeEtcdMember: ({ memberId }: { memberId: string }) => {
        this.members = this.members.filter(({ id }) => id !== memberId)
      },
      deleteNode: ({ name: gone }: { name: string }) => {
        this.cluster.nodes = this.cluster.nodes.filter((object) => object.name !== gone)
      },
      stopPart: () => ({ facts: { stopped: 'kubelet', stopped_at: String(Date.now()) } }),
      restartCoreDns: () => {
        const nodes = this.cluster.nodes.map((object) => object.name)
        for (const [index, pod] of this.cluster.pods.filter(({ app }) => app === 'kube-dns').entries())
          Object.assign(pod, { name: `${pod.name}-anew`, node: nodes[index + 1] ?? '' })
      },
    }
    const result = (effects[method] ?? (() => undefined))(request)
    return typeof result === 'object' ? result : undefined
  }

  #makeToken(recipients: readonly { node: string }[]) {
    const id = `tok${this.asked.length}`.padEnd(6, '0')
    this.cluster.joinTokenIds.push(id)
    return {
      facts: { token_id: id },
      sealed: recipients.map(({ node }) => ({ node, ciphertext: Buffer.from('sealed') })),
    }
  }

  /** What kubeadm of that version leaves on a control plane that joined. */
  #join(paper: PaperNode): void {
    if (!this.cluster.kubeadmConfig?.text.includes('controlPlaneEndpoint'))
      throw new QuorateError('COMMAND_FAILED', "a cluster that doesn't have a stable controlPlaneEndpoint address")
    const discovered = readKubeconfig(this.cluster.clusterInfo?.text ?? '', place).server
    const local = `https://${paper.entry.address}:6443`
    const version = this.cluster.kubernetesVersion as FixtureVersion
    const server = (purpose: string) =>
      purpose === 'admin'
        ? 'https://apiserver.example.com:8443'
        : purpose === 'kubelet' && version === 'v1.30.4'
          ? discovered
          : local
    const text = (purpose: string) =>
      pointKubeconfigAt(fixture(version, `before/${purpose}.conf`), server(purpose), place)
    this.#makeControlPlane(paper, ['admin', 'controller-manager', 'scheduler', 'kubelet'], text)
    apiserverCertificate(paper)?.sans.push('apiserver.example.com', '192.168.13.100')
    this.#enter(paper)
  }
}

const apiserverCertificate = ({ facts }: PaperNode) => facts.certificates.find(({ path }) => path === apiserverPath)

const linesOf = ({ kubeconfigs }: PaperNode, find: readonly string[]) =>
  kubeconfigs.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        find.some((one) => line.includes(one)) ? [{ where: `${path} line ${index + 1}`, line: line.trim() }] : [],
      ),
  )

/** A call as the engine makes it, that keeps what was done. */
export function paperCall(done: DoneAction['results'] = []): ChangeCall & { readonly lines: string[] } {
  const lines: string[] = []
  return {
    lines,
    async operation({ agent, label }, send) {
      const result = await send({ operationId: label, runId: 'r', cluster: 'paper', fencingToken: 1 })
      ;(done as { node: string; label: string; result: OperationResult }[]).push({ node: agent.node, label, result })
      return result
    },
    progress: (line) => lines.push(line),
    signal: new AbortController().signal,
  }
}

/** A done action for an undo. */
export const doneAction = (action: Action, results: DoneAction['results'] = []): DoneAction => ({ action, results })
