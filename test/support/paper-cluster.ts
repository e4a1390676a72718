import type { ClusterFile, NodeEntry } from '@quorate/coordinator/config/cluster-file'
import type { ConversionRun } from '@quorate/coordinator/conversion/context/run'
import type { Action, DoneAction } from '@quorate/coordinator/engine/step'
import type { Agent, ChangeCall } from '@quorate/coordinator/fleet/agent'
import { makeConversionRun } from '@quorate/coordinator/runs/make-run'
import { requestFolder } from '@quorate/coordinator/state/request-folder'
import { setControlPlaneEndpoint, turnOnFeatureGate } from '@quorate/shared/cluster-config-map'
import { QuorateError } from '@quorate/shared/errors'
import {
  ClusterFacts,
  type ConfigMapText,
  EtcdMember,
  NodeFacts,
  NodeObject,
  StaticPodFacts,
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
import { type FixtureVersion, fixture, fixtureData } from './fixtures.js'

const place = filePlace('/etc/kubernetes/admin.conf')

const haproxyPlace = placeOf('haproxy', {})
const keepalivedPlace = placeOf('keepalived', {})

const name = (short: string) => `${short}.example.com` as NodeName
const entry = (short: string, last: number): NodeEntry => ({
  name: name(short),
  address: `192.168.13.${last}`,
  agent: `192.168.13.${last}:7445`,
})

/** The machines of the fixtures. */
export const clusterFile: ClusterFile = {
  name: 'paper',
  endpoint: { host: 'apiserver.example.com', port: 8443 },
  loadBalancer: {
    kind: 'haproxy',
    virtualIP: '192.168.13.100',
    virtualRouterId: 100,
    hosts: [],
    nodePort: undefined,
    underKubelets: false,
  },
  controlPlanes: [entry('k8smaster1', 30), entry('k8smaster2', 31), entry('k8smaster3', 32)],
  workers: [entry('k8sworker1', 35), entry('k8sworker2', 36)],
  policy: {
    controlPlaneKubeconfigs: 'auto',
    manageHosts: true,
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
  diskP99Us: number
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
  readonly cluster: ClusterFacts
  members: EtcdMember[] = []
  /** Answers before the effect: throws what the operation shall fail with. */
  failing: (asked: Asked) => void = () => undefined
  /** Overrides what a probe meets. */
  probe: (from: string, request: ProbeEndpointRequest) => Partial<ProbeEndpointResponse> | undefined = () => undefined
  kubeadmErrors: string[] = []
  /** What kubeadm would write for the first control plane; what runs there unless given. */
  rendered: StaticPodFacts[] | undefined
  /** Nodes whose kubelets no API server reaches. */
  readonly unreached = new Set<string>()
  readonly file: ClusterFile
  #certificate = 'old-certificate'
  #turn = 0
  #clock = Date.now()

  constructor(version: FixtureVersion, file: ClusterFile = clusterFile) {
    this.file = file
    this.cluster = ClusterFacts.fromPartial({
      kubernetesVersion: version,
      kubeadmConfig: this.#text(fixtureData(version, 'before/cm-kubeadm-config.yaml', 'ClusterConfiguration')),
      clusterInfo: this.#text(fixtureData(version, 'before/cm-cluster-info.yaml', 'kubeconfig')),
      kubeProxy: this.#text(fixtureData(version, 'before/cm-kube-proxy.yaml', 'kubeconfig.conf')),
      kubeProxyRollout: { generation: 1, observedGeneration: 1, desired: 3, updated: 3, available: 3, restartedAt: '' },
      coreDns: { replicas: 2, tolerations: ['node-role.kubernetes.io/control-plane=:NoSchedule'] },
      anonymousReadyz: true,
      apiServerAddresses: ['192.168.13.30'],
      pods: [0, 1].map((index) => ({
        namespace: 'kube-system',
        name: `coredns-${index}`,
        node: name('k8smaster1'),
        app: 'kube-dns',
        ready: true,
      })),
    })
    for (const node of [...file.controlPlanes, ...file.workers]) this.#addNode(node, version)
  }

  run(): ConversionRun {
    return makeConversionRun({
      id: '20261122t120000-abcdef',
      file: this.file,
      agent: (node) => this.agent(node),
      keepBackup: async (node, kind) => ({ path: `/state/backups/${node}-${kind}.age`, sha256: 'ab', bytes: 5_000 }),
      requestFolder: requestFolder({ runs: '/nowhere' }, 'paper'),
      backupRecipient: 'age1operator',
    })
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
    const agent: Partial<Agent> = {
      node: node.name,
      read: (async (method: string, request: never) => this.#read(node, method, request)) as never,
      change: (async (method: string, request: Record<string, unknown>, call: ChangeCall, label = '') => {
        const asked = { node: node.name, method, request }
        return call.operation({ agent: agent as Agent, method: method as never, label }, async () => {
          this.asked.push(asked)
          this.failing(asked)
          return OperationResult.fromPartial((this.#change(node, method, request as never) as object | undefined) ?? {})
        })
      }) as never,
      checkJoin: async () => ({ errors: this.kubeadmErrors, warnings: [] }),
      holdPorts: (ports, work) =>
        work({ listening: [...ports], inUse: [], certificateSha256: `throw-away-${node.name}` }),
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
    return agent as Agent
  }

  #text(text: string) {
    return { text, sha256: sha256Hex(text), resourceVersion: '1', present: true, writtenUnixMs: 0 }
  }

  #addNode(node: NodeEntry, version: FixtureVersion): void {
    const isFirst = node === this.file.controlPlanes[0]
    const isWorker = this.file.workers.includes(node)
    const units = ['kubelet', 'quorate-haproxy', 'quorate-keepalived'].map((unit) => ({
      name: unit,
      activeState: unit === 'kubelet' ? 'active' : 'inactive',
      activeSinceUnixMs: 500,
    }))
    const facts = NodeFacts.fromPartial({
      hostname: node.name,
      machineId: `machine-${node.name}`,
      kubeadmVersion: version,
      kubeadmConfigApi: version === 'v1.30.4' ? 'v1beta3' : 'v1beta4',
      haproxyInstalled: true,
      keepalivedInstalled: true,
      interfaces: [{ name: 'host0', addresses: [`${node.address}/24`], mtu: 1500 }],
      nameservers: ['192.168.13.1'],
      units,
      hostsFile: `127.0.0.1 localhost\n${node.address} ${node.name}\n`,
    })
    const paper: PaperNode = {
      entry: node,
      facts,
      kubeconfigs: [],
      connected: new Map(),
      containers: new Map(),
      diskP99Us: 2_000,
      backends: [],
      clockAheadMs: 0,
    }
    this.nodes.set(node.name, paper)
    if (isWorker)
      paper.kubeconfigs.push({
        purpose: 'kubelet',
        path: '/etc/kubernetes/kubelet.conf',
        text: fixture(version, 'before/worker-kubelet.conf'),
      })
    if (isFirst)
      this.#makeControlPlane(paper, ['admin', 'super-admin', 'controller-manager', 'scheduler', 'kubelet'], version)
    if (isFirst || isWorker) this.#enter(paper, isFirst)
  }

  #makeControlPlane(
    paper: PaperNode,
    purposes: readonly string[],
    version: FixtureVersion,
    server?: (purpose: string) => string,
  ): void {
    for (const purpose of purposes) {
      const text = fixture(version, `before/${purpose}.conf`)
      paper.kubeconfigs.push({
        purpose,
        path: `/etc/kubernetes/${purpose}.conf`,
        text: server === undefined ? text : pointKubeconfigAt(text, server(purpose), place),
      })
    }
    paper.facts.clusterCaPem = 'PEM of the cluster CA'
    paper.facts.staticPods = [
      {
        ...StaticPodFacts.fromPartial({ component: 'kube-apiserver' }),
        command: ['kube-apiserver', `--advertise-address=${paper.entry.address}`, '--secure-port=6443'],
      },
    ]
    paper.facts.certificates = [
      {
        ...certificate('/etc/kubernetes/pki/apiserver.crt'),
        sha256: 'old-certificate',
        serial: '01',
        sans: [paper.entry.address, paper.entry.name],
      },
      { ...certificate('/etc/kubernetes/pki/ca.crt'), publicKeyPin: 'sha256:aabb' },
    ]
    for (const component of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
      paper.containers.set(component, 1)
  }

  /** A node becomes part of the cluster. */
  #enter(paper: PaperNode, controlPlane: boolean): void {
    this.cluster.nodes.push(
      NodeObject.fromPartial({
        name: paper.entry.name,
        ready: true,
        controlPlane,
        leaseRenewedUnixMs: this.#clock,
      }),
    )
    this.cluster.pods.push({
      namespace: 'kube-system',
      name: `kube-proxy-${paper.entry.name}`,
      node: paper.entry.name,
      app: 'kube-proxy',
      ready: true,
      startedUnixMs: Date.now(),
      revision: '1',
      ending: false,
      waitsFor: '',
    })
    for (const process of ['kubelet', 'kube-proxy']) this.#connect(paper, process)
    if (controlPlane) this.members.push(this.#member(paper.entry))
  }

  #member({ name: node, address }: NodeEntry): EtcdMember {
    return EtcdMember.fromPartial({
      id: `id-${address}`,
      name: node,
      peerUrls: [`https://${address}:2380`],
      clientUrls: [`https://${address}:2379`],
      status: { version: '3.6.5', clusterId: 'c1' },
    })
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

  #read(node: NodeEntry, method: string, request: never): unknown {
    const paper = this.nodes.get(node.name) as PaperNode
    const answers: Record<string, (request: never) => unknown> = {
      getNodeFacts: () => ({ facts: this.#factsOf(paper) }),
      getClusterFacts: ({ find }: { find: string[] }) => ({
        facts: { ...this.#tick(), references: this.#references(find) },
      }),
      testLoadBalancer: () => ({ refused: [] }),
      getFirewall: () => ({ firewalldZones: '', firewalldProblem: '', ufwActive: false, ufwFiles: {} }),
      listEtcdMembers: () => ({
        members: structuredClone(this.members),
        ...{ alarms: [], clusterId: 'c1', authentication: 'off', clientName: 'kube-etcd-healthcheck-client' },
      }),
      listControlPlaneImages: () => ({ wanted: [], missing: [] }),
      renderManifests: () => ({ pods: structuredClone(this.rendered ?? paper.facts.staticPods) }),
      listContainers: ({ names }: { names: string[] }) => ({
        containers: names.map((one) => ({ id: `${one}-${paper.containers.get(one)}`, name: one, state: 'running' })),
      }),
      probeKubelets: ({ nodes }: { nodes: string[] }) => ({
        answers: nodes.map((one) => ({ node: one, httpStatus: this.unreached.has(one) ? 500 : 200, error: '' })),
      }),
      tryChanges: () => ({ tried: [] }),
      lookAtPaths: () => ({ kinds: {}, sha256: {} }),
      listSockets: () => ({ sockets: this.#sockets(paper) }),
      findReferences: ({ find }: { find: string[] }) => ({ references: linesOf(paper, find), skipped: [] }),
      measureDisk: () => ({
        folder: '/var/lib',
        writes: 100,
        leastUs: paper.diskP99Us / 4,
        medianUs: paper.diskP99Us / 2,
        p99Us: paper.diskP99Us,
        bytesPerSecond: 200_000_000,
      }),
      measurePath: () => ({ bytesPerSecond: 100_000_000, error: '' }),
      resolveName: () => ({ addresses: paper.facts.hostsFile.includes('# BEGIN quorate') ? ['192.168.13.100'] : [] }),
      probeEndpoint: (probe: ProbeEndpointRequest) =>
        ProbeEndpointResponse.fromPartial(this.probe(node.name, probe) ?? this.#meet(probe)),
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
    return (answers[method] as (request: never) => unknown)(request)
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
        const own = paper.facts.certificates[0]
        own?.sans.push(...sans)
        if (own !== undefined) own.sha256 = 'new-certificate'
        this.#certificate = 'new-certificate'
        return touched('/etc/kubernetes/pki/apiserver.crt')
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
    this.#makeControlPlane(paper, ['admin', 'controller-manager', 'scheduler', 'kubelet'], version, server)
    const [own] = paper.facts.certificates
    own?.sans.push('apiserver.example.com', '192.168.13.100')
    this.cluster.apiServerAddresses.push(paper.entry.address)
    this.#enter(paper, true)
  }
}

const linesOf = ({ kubeconfigs }: PaperNode, find: readonly string[]) =>
  kubeconfigs.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        find.some((one) => line.includes(one)) ? [{ where: `${path} line ${index + 1}`, line: line.trim() }] : [],
      ),
  )

const certificate = (path: string) => ({
  ...{ path, subject: '', issuer: '', serial: '', sans: [] as string[], sha256: '', isCa: false, publicKeyPin: '' },
  ...{ notBeforeUnixMs: 0, notAfterUnixMs: 0 },
})

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
