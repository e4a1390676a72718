import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { joinCommand } from './join-command.js'
import { binaries, ensureVersion, etcdPrograms } from './machines/cache.js'
import { type KubeadmDocuments, kubeadmText, textbookDocuments } from './machines/kubeadm-documents.js'
import { Network } from './machines/network.js'
import { LabNode, type NodeRole, type NodeSpec } from './machines/node.js'
import { ensurePrograms } from './machines/programs.js'
import type { Suite } from './machines/rootfs.js'
import { capture, must, timed } from './machines/shell.js'
import { type PieceName, pieces } from './pieces/all.js'
import type { Piece, PieceLab } from './pieces/piece.js'

const projectRoot = resolve(fileURLToPath(import.meta.url), '../../..')
export const labsFolder = process.env['QUORATE_LABS'] ?? '/var/tmp/quorate-lab'
const endpointName = 'apiserver.example.com'
const endpointPort = 8443
/** Preflight errors that a container causes and that its operator would ignore by name. */
export const ignoredPreflightErrors = [
  'SystemVerification',
  'FileContent--proc-sys-net-bridge-bridge-nf-call-iptables',
  'HTTPProxyCIDR',
  'HTTPProxy',
]

export const ignorePreflightErrors = `--ignore-preflight-errors=${ignoredPreflightErrors.join(',')}`

interface Settings {
  readonly version: string
  readonly workers: number
  readonly prefix: string
  /** Deviations from a default cluster. */
  readonly with?: readonly PieceName[]
  /** Debian release of its nodes; default bookworm. */
  readonly debian?: Suite
}

/** What the tests change in the cluster file. */
export interface ClusterFileWish {
  readonly endpoint?: string
  readonly loadBalancer?: string
  /** Default 60. */
  readonly availabilityBudgetSeconds?: number
  /** Further lines below `policy:`, each indented by two spaces. */
  readonly policy?: readonly string[]
}

const machine = (role: NodeRole, short: string, name: string, octet: number): NodeSpec => ({ role, short, name, octet })

/** A cluster of real kubeadm nodes: cp1 initialised without controlPlaneEndpoint, cp2 and cp3 booted and empty, workers joined. */
export class Lab implements PieceLab {
  readonly name: string
  readonly folder: string
  readonly version: string
  readonly debian: Suite
  readonly network: Network
  readonly nodes: readonly LabNode[]
  readonly virtualIP: string
  readonly #pieces: readonly Piece[]

  constructor(name: string, settings: Settings) {
    this.name = name
    this.folder = join(labsFolder, name)
    this.version = settings.version
    this.debian = settings.debian ?? 'bookworm'
    this.network = new Network(name, settings.prefix)
    this.virtualIP = `${settings.prefix}.100`
    this.#pieces = (settings.with ?? []).map((piece) => pieces[piece])
    const count = (length: number) => Array.from({ length }, (_, i) => i)
    const specs: NodeSpec[] = [
      ...count(3).map((i) => machine('control-plane', `cp${i + 1}`, `k8smaster${i + 1}.example.com`, 30 + i)),
      ...count(settings.workers).map((i) => machine('worker', `w${i + 1}`, `k8sworker${i + 1}.example.com`, 35 + i)),
      ...this.#pieces.flatMap(({ machines }) => machines ?? []),
    ]
    const hostName = this.#pieces.find((piece) => piece.hostName !== undefined)?.hostName
    const common = { folder: this.folder, version: this.version, debian: this.debian, network: this.network }
    const secondCard = this.#pieces.some((piece) => piece.secondCard)
    this.nodes = specs.map(
      (spec) => new LabNode(spec, { ...common, secondCard, hostName: hostName?.(spec.name) ?? spec.name }),
    )
  }

  static open(name: string): Lab {
    const file = join(labsFolder, name, 'lab.json')
    if (!existsSync(file)) throw new Error(`there is no lab ${name}: npm run lab -- up --name ${name}`)
    return new Lab(name, JSON.parse(readFileSync(file, 'utf8')))
  }

  static make(name: string, settings: Settings): Lab {
    mkdirSync(join(labsFolder, name), { recursive: true, mode: 0o700 })
    writeFileSync(join(labsFolder, name, 'lab.json'), JSON.stringify(settings))
    return new Lab(name, settings)
  }

  node(short: string): LabNode {
    const found = this.nodes.find((node) => node.spec.short === short)
    if (found === undefined)
      throw new Error(`no node ${short}: there are ${this.nodes.map((node) => node.spec.short).join(', ')}`)
    return found
  }

  #of(role: NodeRole): readonly LabNode[] {
    return this.nodes.filter(({ spec }) => spec.role === role)
  }

  get controlPlanes(): readonly LabNode[] {
    return this.#of('control-plane')
  }

  get workers(): readonly LabNode[] {
    return this.#of('worker')
  }

  /** Port of the API servers. */
  get apiPort(): number {
    return this.kubeadmDocuments().init.localAPIEndpoint.bindPort
  }

  /** The etcd of this machine's cache, for an etcd that is no container. */
  get etcdProgram(): string {
    return join(etcdPrograms(this.version), 'etcd')
  }

  /** A Kubernetes program of another release than the lab's. */
  programOf(version: string, name: string): string {
    return join(binaries(version), name)
  }

  /** The documents of `kubeadm init` in this lab. */
  kubeadmDocuments(): KubeadmDocuments {
    const [cp1] = this.controlPlanes as [LabNode]
    const documents = textbookDocuments(this.version, { name: cp1.spec.name, address: cp1.address })
    for (const piece of this.#pieces) piece.init?.(documents, this)
    return documents
  }

  get hosts(): string {
    const lines = this.nodes.map(({ address, spec }) => `${address} ${spec.name} ${spec.name.split('.')[0]}`)
    return ['127.0.0.1 localhost', ...lines, ''].join('\n')
  }

  /** Builds what is missing and boots the nodes: machines without a cluster. */
  async boot(): Promise<void> {
    await ensureVersion(this.version, this.debian)
    allowManyNodes()
    await this.network.up()
    await timed(`${this.nodes.length} nodes booted`, () => Promise.all(this.nodes.map((node) => node.boot(this.hosts))))
  }

  /** Boots the nodes and makes the cluster to convert. */
  async up(): Promise<void> {
    await this.boot()
    const [cp1] = this.controlPlanes as [LabNode]
    await timed('images imported', () => Promise.all(this.nodes.map((node) => node.loadImages())))
    if (!existsSync(join(cp1.root, 'etc/kubernetes/admin.conf'))) {
      for (const piece of this.#pieces) await piece.before?.(this)
      await timed(`kubeadm init ${this.version} on cp1`, () => this.#init(cp1))
      await timed('workers joined', () => this.#joinWorkers(cp1))
      for (const piece of this.#pieces) await piece.after?.(this)
    }
    // By name: `--all` means those registered so far, and a missing name is an immediate error.
    const names = [cp1, ...this.workers].map(({ spec }) => spec.name).join(' ')
    await timed('every node Ready', () =>
      cp1.must([
        'sh',
        '-c',
        `for n in $(seq 240); do kubectl get node ${names} > /dev/null 2>&1 && break; sleep 0.5; done
         kubectl wait --for=condition=Ready node ${names} --timeout=120s`,
      ]),
    )
    // Without a DNS server on the nodes CoreDNS never becomes ready: that is then the purpose of the lab.
    await timed('CoreDNS ready', () =>
      cp1.must(['sh', '-c', 'kubectl -n kube-system rollout status deployment/coredns --timeout=90s || true']),
    )
  }

  async #init(cp1: LabNode): Promise<void> {
    await cp1.put('/root/init.yaml', kubeadmText(this.kubeadmDocuments()), '0600')
    await cp1.must(['kubeadm', 'init', '--config', '/root/init.yaml', ignorePreflightErrors])
  }

  async #joinWorkers(cp1: LabNode): Promise<void> {
    const byFile = this.#pieces.some((piece) => piece.discoveryByFile)
    const { files, argv } = await joinCommand(cp1, this.apiPort, byFile)
    await Promise.all(
      this.workers.map(async (node) => {
        for (const [path, text] of Object.entries(files)) await node.put(path, text, '0600')
        await node.must([...argv, '--node-name', node.spec.name, ignorePreflightErrors])
      }),
    )
  }

  /** Until the API server of cp1 is ready, and any further condition holds. */
  async untilReady(also: () => Promise<boolean> = async () => true): Promise<void> {
    const cp1 = this.node('cp1')
    for (const deadline = Date.now() + 180_000; ; ) {
      const ready = await cp1.sh(['kubectl', 'get', '--raw', '/readyz', '--request-timeout=3s'])
      if (ready.stdout === 'ok' && (await also())) return
      if (Date.now() > deadline) throw new Error(`cp1 is not ready: ${ready.stdout}${ready.stderr}`)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }

  get stateFolder(): string {
    return join(this.folder, 'state')
  }

  get clusterFile(): string {
    return join(this.folder, 'cluster.yaml')
  }

  /** Packs the programs if they are older than their source, and installs agent, identity and unit on every node like an operator. */
  async installAgents(): Promise<void> {
    const out = await ensurePrograms(projectRoot)
    this.writeClusterFile()
    if (!existsSync(join(this.stateFolder, 'fleet'))) await this.quorateMust(['init'])
    await timed('agents installed and started', async () => {
      const nodes = this.nodes.filter(({ spec }) => spec.role !== 'etcd')
      await Promise.all(nodes.map((node) => this.#installAgent(node, out)))
      await this.#untilAgentsAnswer()
    })
  }

  async #installAgent(node: LabNode, out: string): Promise<void> {
    const bundle = join(this.folder, 'bundles', node.spec.short)
    if (!existsSync(bundle))
      await this.quorateMust(['enroll', node.spec.name, '--address', node.address, '--bundle', bundle])
    await must('install', ['-D', '-m755', join(out, 'quorate-agent'), join(node.root, 'usr/bin/quorate-agent')])
    await must('install', [
      '-D',
      '-m644',
      join(projectRoot, 'systemd/quorate-agent.service'),
      join(node.root, 'lib/systemd/system/quorate-agent.service'),
    ])
    await must('install', ['-d', '-m750', join(node.root, 'etc/quorate')])
    await must('sh', ['-c', 'cp "$0"/* "$1"', bundle, join(node.root, 'etc/quorate')])
    await node.must(['systemctl', 'daemon-reload'])
    await node.must(['systemctl', 'enable', '--now', 'quorate-agent'])
  }

  /** A unit is active before its program listens. */
  async #untilAgentsAnswer(): Promise<void> {
    for (const deadline = Date.now() + 60_000; ; ) {
      const { exitCode, stdout } = await capture(...this.quorate(['nodes', '-o', 'json']))
      const silent =
        exitCode === 0
          ? (JSON.parse(stdout) as { nodes: { reachable: boolean }[] }).nodes.filter((node) => !node.reachable)
          : []
      if (exitCode === 0 && silent.length === 0) return
      if (Date.now() > deadline) throw new Error(`agents do not answer: ${JSON.stringify(silent)}`)
    }
  }

  /** In the notation of the cluster file. */
  get endpointPort(): string {
    return /^endpoint: .*:(\d+)$/m.exec(readFileSync(this.clusterFile, 'utf8'))?.[1] ?? ''
  }

  /** The cluster file that an operator would write for it. */
  writeClusterFile(wish: ClusterFileWish = {}): void {
    const { endpoint, loadBalancer, availabilityBudgetSeconds = 60, policy = [] } = wish
    const entry = (node: LabNode) => `  - {name: ${node.spec.name}, address: ${node.address}}`
    const lines = [
      'apiVersion: quorate/v1alpha1',
      'kind: Conversion',
      `metadata: {name: ${this.name}}`,
      `endpoint: ${endpoint ?? `${endpointName}:${endpointPort}`}`,
      `loadBalancer: ${loadBalancer ?? `{kind: haproxy, virtualIP: ${this.virtualIP}}`}`,
      'controlPlanes:',
      ...this.controlPlanes.map(entry),
      'workers:',
      ...this.workers.map(entry),
      'policy:',
      '  manageHosts: true',
      // Tests cut the power of whole nodes during a run; their own probes check that nothing fails in an undisturbed one.
      `  availabilityBudgetSeconds: ${availabilityBudgetSeconds}`,
      `  ignorePreflightErrors: [${ignoredPreflightErrors.join(', ')}]`,
      ...policy,
      '',
    ]
    writeFileSync(this.clusterFile, lines.join('\n'))
  }

  /** argv of `quorate ...` in the lab's network, with this lab's state folder. */
  quorate(args: readonly string[]): readonly [string, string[]] {
    return this.network.within([join(projectRoot, 'out/quorate'), ...args, '--state', this.stateFolder])
  }

  async quorateMust(args: readonly string[]): Promise<string> {
    return must(...this.quorate(args))
  }

  /** Stops every node and deletes their disks. */
  async down(): Promise<void> {
    for (const node of this.nodes) node.kill()
    for (const node of this.nodes) {
      for (let tries = 0; node.leader() !== undefined && tries < 50; tries++)
        await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
    for (const node of this.nodes) await node.wipe()
    await this.network.down()
    rmSync(this.folder, { recursive: true, force: true })
    removeControlGroups(`${this.network.name}-`)
  }
}

/**
 * systemd, containerd, kubelet and kube-proxy of every node watch files as this host's root. Debian's 128 watchers are enough for one lab; the
 * kubelets of a second one fail with "too many open files" (https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files).
 */
function allowManyNodes(): void {
  const limit = '/proc/sys/fs/inotify/max_user_instances'
  if (Number(readFileSync(limit, 'utf8')) < 1_024) writeFileSync(limit, '1024')
}

/** Removes empty cgroups of stopped nodes; busy ones are left for the next time. */
function removeControlGroups(prefix: string): void {
  const remove = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) remove(join(folder, entry.name))
    try {
      rmdirSync(folder)
    } catch {
      // busy, or gone already
    }
  }
  for (const hierarchy of readdirSync('/sys/fs/cgroup', { withFileTypes: true })) {
    if (!hierarchy.isDirectory()) continue
    const folder = join('/sys/fs/cgroup', hierarchy.name)
    for (const group of readdirSync(folder).filter((name) => name.startsWith(prefix))) remove(join(folder, group))
  }
}

/** Names of the labs on this machine. */
export function labNames(): readonly string[] {
  return existsSync(labsFolder)
    ? readdirSync(labsFolder).filter((name) => existsSync(join(labsFolder, name, 'lab.json')))
    : []
}

/** A /24 that no other lab on this machine uses; the first is that of the documented procedure. */
export function freePrefix(): string {
  const taken = labNames().map((name) => Lab.open(name).network.prefix)
  for (let third = 13; third < 250; third++) if (!taken.includes(`192.168.${third}`)) return `192.168.${third}`
  throw new Error('no free /24 for another lab')
}
