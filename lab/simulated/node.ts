import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import type { Socket } from 'node:net'
import { dirname, join, normalize, resolve } from 'node:path'
import type { SimulatedRole } from './world-options.js'

/** Faults that can be injected into one node. */
export interface NodeFaults {
  /** Answer every request of the API server with this status. */
  apiStatus?: number
  /** Delay every answer of the API server; milliseconds. */
  apiDelayMs?: number
  /** kubeadm join fails in this phase, or in `etcd-join/promote` or `etcd-join/wait` within etcd's. */
  failJoinPhase?: string
  /** Versions that the programs print instead of the release's. */
  programVersion?: string
  /** Of its one interface; 1500 unless given. */
  mtu?: number
  /** What timedatectl answers. */
  clockNotSynchronised?: boolean
  /** The API server does not read its certificate again when the files change. */
  noCertificateReload?: boolean
  /** Nothing can be pulled: no registry is reachable. */
  noRegistry?: boolean
  /** A restarted kubelet cannot renew its lease. */
  kubeletCannotRenew?: boolean
  /** Delay between the start of etcd's container and its first answer; milliseconds. A new one needed 9 s on real 1.28.15. */
  etcdStartsAfterMs?: number
  /** Pods of these (label k8s-app) restart again and again on this node. */
  crashing?: readonly string[]
  /** Conditions of its Node that hold and should not: `DiskPressure`. */
  pressures?: readonly string[]
}

/** A port on which something of the node listens, as `ss` shows it. */
export interface Listening {
  readonly address: string
  readonly port: number
  readonly process: string
  readonly pid: number
}

/** An established connection of one of the node's programs. */
export interface Connection {
  readonly process: string
  readonly pid: number
  readonly socket: Socket
}

export type NodeParts = Pick<SimulatedNode, 'name' | 'address' | 'role' | 'balances' | 'root'> &
  Partial<Pick<SimulatedNode, 'hostname' | 'defaultAddress' | 'otherFamily'>>

/** A machine: its address, its files below a folder, and its ports and connections. Needs no root. */
export class SimulatedNode {
  readonly name: string
  readonly address: string
  readonly role: SimulatedRole
  /** Whether the packages of haproxy and keepalived are installed. */
  readonly balances: boolean
  /** The hostname; the node's name unless another one was chosen. */
  readonly hostname: string
  /** Address of the card with the default route: the default of kubeadm and the kubelet. */
  readonly defaultAddress: string
  /** Its addresses of the other family, on the card of `address`. */
  readonly otherFamily: readonly string[]
  /** Folder that is `/` for this node. */
  readonly root: string
  readonly faults: NodeFaults = {}
  readonly listening = new Set<Listening>()
  readonly connections = new Set<Connection>()
  /** False after a power cut. */
  alive = true
  private nextPid = 700

  constructor(facts: NodeParts) {
    this.name = facts.name
    this.address = facts.address
    this.otherFamily = facts.otherFamily ?? []
    this.hostname = facts.hostname ?? facts.name
    this.defaultAddress = facts.defaultAddress ?? facts.address
    this.role = facts.role
    this.balances = facts.balances
    this.root = facts.root
  }

  newPid(): number {
    this.nextPid += 1 + Math.floor(Math.random() * 20)
    return this.nextPid
  }

  /** Where a path of the node lies; a path that is already below its folder stays as it is. */
  real(path: string): string {
    return path.startsWith(`${this.root}/`) ? path : join(this.root, normalize(path))
  }

  /** A flag of the kubelet as kubeadm-flags.env gives it. */
  kubeletFlag(name: string): string | undefined {
    return new RegExp(`--${name}=([^\\s"]+)`).exec(this.read('/var/lib/kubelet/kubeadm-flags.env') ?? '')?.[1]
  }

  exists(path: string): boolean {
    return existsSync(this.real(this.followed(path)))
  }

  read(path: string): string | undefined {
    const real = this.real(this.followed(path))
    return existsSync(real) && statSync(real).isFile() ? readFileSync(real, 'utf8') : undefined
  }

  /** As `read`, for a file that must be there. */
  must(path: string): string {
    const text = this.read(path)
    if (text === undefined) throw new Error(`open ${path}: no such file or directory`)
    return text
  }

  list(path: string): string[] {
    return existsSync(this.real(path)) ? readdirSync(this.real(path)).sort() : []
  }

  /** Writes beside and renames, so that a watcher never sees a partial file. */
  write(path: string, text: string | Uint8Array, mode = 0o600): void {
    const real = this.real(path)
    mkdirSync(dirname(real), { recursive: true, mode: 0o755 })
    const beside = join(dirname(real), `.${process.pid}-${Math.random().toString(36).slice(2)}`)
    writeFileSync(beside, text)
    chmodSync(beside, mode)
    renameSync(beside, real)
  }

  folder(path: string, mode = 0o755): void {
    mkdirSync(this.real(path), { recursive: true, mode })
  }

  remove(path: string): void {
    rmSync(this.real(path), { recursive: true, force: true })
  }

  /** Absolute links start at the node's own root. */
  private followed(path: string): string {
    let seen = path
    for (let links = 0; links < 8; links++) {
      const real = this.real(seen)
      if (lstatSync(real, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return seen
      seen = resolve(dirname(seen), readlinkSync(real))
    }
    return seen
  }
}
