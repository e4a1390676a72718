import { type ChildProcess, spawn } from 'node:child_process'
import {
  accessSync,
  appendFileSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { enrolBundle } from '@quorate/coordinator/state/enroll-bundle'
import { initState } from '@quorate/coordinator/state/init'
import { statePaths } from '@quorate/coordinator/state/paths'
import { type Bundles, bundlePrograms } from './bundles.js'
import { Control } from './control.js'
import type { NodeFaults } from './node.js'
import type { SimulatedNodeDescription, WorldDescription, WorldOptions } from './world-options.js'

/** A test's options for a site; the rest is v1.37.2, three control planes (two of them to join) and two workers. */
export type SiteWish = Partial<Omit<WorldOptions, 'folder' | 'programFolder'>>

/** Ends a Node process together with the holder of its standard input; see the file for what else it does on a simulated node. */
export const preload = fileURLToPath(new URL('./node-preload.mjs', import.meta.url))

export interface ProgramRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** A running program. */
export interface StartedProgram {
  readonly child: ChildProcess
  /** 128 if a signal ended it. */
  readonly ended: Promise<ProgramRun>
}

export interface QuorateOptions {
  readonly onOutput?: (text: string) => void
  readonly state?: string
  /** Another build of the coordinator than this clone's: path of its bundle. */
  readonly program?: string
}

interface AgentOptions {
  readonly clockOffsetMs?: number
  /** Another build of the agent than this clone's: path of its bundle. */
  readonly program?: string
}

export interface ClusterFileWish {
  readonly controlPlanes?: readonly string[]
  readonly workers?: readonly string[]
  /** Lines below `policy:`, each indented by two spaces. */
  readonly policy?: readonly string[]
  /** `$virtualIP` in it is replaced by the site's. */
  readonly loadBalancer?: string
  readonly endpoint?: string
}

/** A simulated site with the coordinator's state folder and an agent process for each node. All of it ends with this process. */
export class SimulatedCluster {
  readonly world: WorldDescription
  readonly control: Control
  readonly bundles: Bundles
  /** Folder of the coordinator: state, bundles, cluster file. */
  readonly operatorFolder: string
  /** What agents and commands that are started from now on have in their environment besides, such as another clock. */
  env: Readonly<Record<string, string>> = {}
  private readonly worldProcess: ChildProcess
  private readonly agents = new Map<string, ChildProcess>()

  private constructor(parts: { world: WorldDescription; bundles: Bundles; folder: string; process: ChildProcess }) {
    this.world = parts.world
    this.bundles = parts.bundles
    this.operatorFolder = parts.folder
    this.worldProcess = parts.process
    this.control = new Control(parts.world.control)
  }

  /** Starts only the world; `prepare` makes it ready for a conversion. */
  static async start(options: SiteWish = {}): Promise<SimulatedCluster> {
    // Short, because a unix socket's path may have 107 bytes only.
    const folder = mkdtempSync(join(quickFolder(), 'qlab-'))
    const programFolder = mkdtempSync(join(tmpdir(), 'qlab-bin-'))
    try {
      const bundles = await bundlePrograms(programFolder)
      const wanted: WorldOptions = {
        kubernetesVersion: 'v1.37.2',
        controlPlanes: 3,
        workers: 2,
        ...options,
        folder,
        programFolder,
      }
      const child = spawn(process.execPath, [bundles.world, JSON.stringify(wanted)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      const world = JSON.parse(await firstLine(child)) as WorldDescription
      return new SimulatedCluster({ world, bundles, folder, process: child })
    } catch (error) {
      for (const each of [folder, programFolder]) rmSync(each, { recursive: true, force: true })
      throw error
    }
  }

  get nodes(): readonly SimulatedNodeDescription[] {
    return this.world.nodes
  }

  get stateFolder(): string {
    return join(this.operatorFolder, 'state')
  }

  get clusterFile(): string {
    return join(this.operatorFolder, 'cluster.yaml')
  }

  /** The node of that name or label: `k8smaster1.example.com`, `cp1`, `w2`. */
  node(name: string): SimulatedNodeDescription {
    const short = name.replace(/^cp(\d)$/, 'k8smaster$1.example.com').replace(/^w(\d)$/, 'k8sworker$1.example.com')
    const found = this.nodes.find((node) => node.name === short)
    if (found === undefined) throw new Error(`no node ${name}`)
    return found
  }

  /** `quorate ARGS --state ...` as its own process. */
  quorate(args: readonly string[], onOutput?: (text: string) => void): Promise<ProgramRun> {
    return this.startQuorate(args, { ...(onOutput === undefined ? {} : { onOutput }) }).ended
  }

  /** As `quorate`, for tests that act on the process; `state` for another state folder. */
  startQuorate(
    args: readonly string[],
    { onOutput, state = this.stateFolder, program = this.bundles.quorate }: QuorateOptions = {},
  ): StartedProgram {
    return start(
      process.execPath,
      [`--import=${preload}`, program, ...args, '--state', state],
      {
        ...process.env,
        NO_COLOR: '1',
        QUORATE_SIM_FAULTS: this.faultFile('operator'),
        QUORATE_SIM_DEATH: this.faultFile('operator'),
        ...this.env,
      },
      onOutput,
    )
  }

  /** Where a process of that node, or the `operator`'s, reads its faults; each kind of fault has its own extension. */
  faultFile(name: string): string {
    return join(this.world.folder, 'faults', name === 'operator' ? name : this.node(name).name)
  }

  bundleFolder(name: string): string {
    return join(this.operatorFolder, 'bundles', name)
  }

  /** What `quorate enroll --bundle` does, without a process for each node; and copies the folder to the node's /etc/quorate. */
  async enrol(node: SimulatedNodeDescription): Promise<void> {
    const { name, agentAddress: address } = node
    await enrolBundle(statePaths(this.stateFolder), { node: name, address, bundle: this.bundleFolder(name) })
    this.carryBundle(node)
  }

  /** What an operator does with scp; a simulated node's agent also needs the folder of its files. */
  carryBundle(node: SimulatedNodeDescription): void {
    const target = join(node.root, 'etc/quorate')
    mkdirSync(target, { recursive: true })
    cpSync(this.bundleFolder(node.name), target, { recursive: true })
    appendFileSync(join(target, 'agent.yaml'), `hostRoot: ${node.root}\n`)
  }

  /** Starts quorate-agent of a node and waits until it listens. */
  async startAgent(node: SimulatedNodeDescription, options: AgentOptions = {}): Promise<void> {
    const { program = this.bundles['quorate-agent'], clockOffsetMs } = options
    const log = join(this.operatorFolder, `agent-${node.name}.log`)
    const child = spawn(process.execPath, [program, 'serve', '--config', join(node.root, 'etc/quorate/agent.yaml')], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: node.path,
        NODE_OPTIONS: `--import=${preload}`,
        QUORATE_SIM_ADDRESS: node.address,
        QUORATE_SIM_AGENT_ADDRESS: node.agentAddress,
        QUORATE_SIM_VIRTUAL_IP: this.world.virtualIp,
        QUORATE_SIM_FAULTS: this.faultFile(node.name),
        QUORATE_SIM_DEATH: this.faultFile(node.name),
        ...this.env,
        ...(clockOffsetMs === undefined ? {} : { QUORATE_SIM_CLOCK_OFFSET_MS: String(clockOffsetMs) }),
      },
    })
    this.agents.set(node.name, child)
    const keep = (chunk: Buffer): void => {
      if (existsSync(this.operatorFolder)) appendFileSync(log, chunk)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    for (let tries = 0; ; tries++) {
      if (await listens(node.agentAddress, 7445)) return
      if (child.exitCode !== null || tries > 300)
        throw new Error(`the agent of ${node.name} did not start:\n${existsSync(log) ? readFileSync(log, 'utf8') : ''}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  agentLog(name: string): string {
    const log = join(this.operatorFolder, `agent-${this.node(name).name}.log`)
    return existsSync(log) ? readFileSync(log, 'utf8') : ''
  }

  /** Resolves when the running agent is gone, however it ended. */
  agentEnded(name: string): Promise<void> {
    const child = this.agents.get(this.node(name).name)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
    return new Promise((resolve) => child.once('close', () => resolve()))
  }

  async stopAgent(name: string): Promise<void> {
    const child = this.agents.get(name)
    this.agents.delete(name)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  /** A power cut: the agent ends with the machine. */
  async kill(name: string): Promise<void> {
    await Promise.all([
      this.stopAgent(this.node(name).name),
      this.control.ask('killNode', { node: this.node(name).name }),
    ])
  }

  /** Everything up to a convertible site: init, identities, agents, cluster file. */
  async prepare(wish: ClusterFileWish = {}): Promise<void> {
    await initState(this.stateFolder)
    for (const node of this.nodes) await this.enrol(node)
    // A few at a time: fifty at once on a small machine are all late.
    for (let next = 0; next < this.nodes.length; next += 8)
      await Promise.all(this.nodes.slice(next, next + 8).map((node) => this.startAgent(node)))
    this.writeClusterFile(wish)
  }

  writeClusterFile(wish: ClusterFileWish = {}): void {
    writeFileSync(this.clusterFile, this.clusterFileText(wish))
  }

  clusterFileText({
    controlPlanes,
    workers,
    policy = [],
    loadBalancer,
    endpoint = 'apiserver.example.com:8443',
  }: ClusterFileWish = {}): string {
    const entry = (short: string): string => {
      const { name, address, agentAddress } = this.node(short)
      return `  - {name: ${name}, address: "${address}"${agentAddress === address ? '' : `, agent: "${agentAddress}:7445"`}}`
    }
    const of = (role: string): string[] => this.nodes.filter((node) => node.role === role).map(({ name }) => name)
    return [
      'apiVersion: quorate/v1alpha1',
      'kind: Conversion',
      'metadata: {name: simulated}',
      `endpoint: ${endpoint}`,
      `loadBalancer: ${loadBalancer?.replace('$virtualIP', `"${this.world.virtualIp}"`) ?? this.loadBalancerText(of('load-balancer'))}`,
      'controlPlanes:',
      ...(controlPlanes ?? of('control-plane')).map(entry),
      'workers:',
      ...(workers ?? of('worker')).map(entry),
      ...(policy.length === 0 ? [] : ['policy:', ...policy]),
      '',
    ].join('\n')
  }

  private loadBalancerText(hosts: readonly string[]): string {
    const own = hosts.map((name) => `{name: ${name}, address: "${this.node(name).address}"}`).join(', ')
    return `{kind: haproxy, virtualIP: "${this.world.virtualIp}"${own === '' ? '' : `, hosts: [${own}]`}}`
  }

  setFaults(name: string, faults: NodeFaults): Promise<void> {
    return this.control.ask('setFaults', { node: this.node(name).name, faults })
  }

  /** Runs one of the node's programs as its agent would: through its PATH. */
  sh(name: string, argv: readonly string[]): Promise<ProgramRun> {
    const [file = '', ...args] = argv
    return run(join(this.node(name).path, file), args, { PATH: this.node(name).path })
  }

  /** Ends every process and removes every file. */
  async stop(): Promise<void> {
    await Promise.all([...this.agents.keys()].map((name) => this.stopAgent(name)))
    this.control.close()
    const gone = new Promise((resolve) => this.worldProcess.once('exit', resolve))
    this.worldProcess.stdin?.end()
    if (this.worldProcess.exitCode === null) await gone
  }
}

/**
 * In memory if there is enough (the coordinator's check of the disks requires 2 GiB), because agents and journal fsync each of
 * their writes; otherwise in the folder for temporary files.
 */
function quickFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    const { bavail, bsize } = statfsSync('/dev/shm')
    return bavail * bsize > 3 * 2 ** 30 ? '/dev/shm' : tmpdir()
  } catch {
    return tmpdir()
  }
}

const run = (file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<ProgramRun> =>
  start(file, args, env).ended

function start(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onOutput?: (text: string) => void,
): StartedProgram {
  // This process holds its standard input open: `quorate` ends when it ends (node-preload.mjs).
  const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  const [stdout, stderr]: [string[], string[]] = [[], []]
  const take = (into: string[]) => (chunk: Buffer) => {
    into.push(chunk.toString())
    onOutput?.(chunk.toString())
  }
  child.stdout.on('data', take(stdout))
  child.stderr.on('data', take(stderr))
  const ended = new Promise<ProgramRun>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ exitCode: code ?? 128, stdout: stdout.join(''), stderr: stderr.join('') }))
  })
  return { child, ended }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
    child.once('exit', (code) => reject(new Error(`the simulated world ended with ${code} before it was ready`)))
  })
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
