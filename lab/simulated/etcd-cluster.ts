import { createHash, randomBytes } from 'node:crypto'
import { httpsUrl } from './host-port.js'
import type { SimulatedNetwork } from './network.js'
import type { SimulatedNode } from './node.js'
import { type ObjectStore, StatusError } from './store.js'

export interface EtcdMemberState {
  readonly id: bigint
  /** Empty until it has started once. */
  name: string
  peerUrl: string
  clientUrl: string
  learner: boolean
  node: SimulatedNode | undefined
  /** Its process runs. */
  running: boolean
  startedAt: number
  /** Its client port answers. */
  serving: boolean
}

/** etcd's own error messages (etcd api/v3/v3rpc/rpctypes/error.go). */
export const refusals = {
  tooManyLearners: 'etcdserver: too many learner members in cluster',
  learnerNotReady: 'etcdserver: can only promote a learner member which is in sync with leader',
  notLearner: 'etcdserver: can only promote a learner member',
  notEnoughStarted: 'etcdserver: re-configuration failed due to not enough started members',
  notFound: 'etcdserver: member not found',
  notLeader: 'etcdserver: not leader',
  badTransferee: 'etcdserver: bad leader transferee',
  peerUrlExists: 'etcdserver: Peer URLs already exists',
  timedOut: 'etcdserver: request timed out',
  noLeader: 'etcdserver: no leader',
  userNotFound: 'etcdserver: user name not found',
}

/** How long a learner needs to catch up with the leader. */
const syncMs = 700
const electionMs = 800

/** The members of one etcd cluster, with the rules that make joins dangerous: quorum, one learner, started members only. */
export class EtcdCluster {
  readonly clusterId = randomBytes(8).readBigUInt64BE()
  members: EtcdMemberState[] = []
  term = 2
  private leader: EtcdMemberState | undefined
  private leaderlessSince = 0
  private sizeAt = { revision: -1, bytes: 0 }
  /** Every change of the members, in order. */
  readonly changes: { readonly what: 'add' | 'promote' | 'update' | 'remove'; readonly peerUrl: string }[] = []
  /** Users with the role root, by the common name of their certificate; undefined where authentication is off. */
  roots: ReadonlySet<string> | undefined
  readonly alarms: { member: bigint; kind: number }[] = []
  /** Keys below /registry/masterleases: address of each API server, and when it last said that it serves. */
  readonly masterLeases = new Map<string, number>()
  protected readonly network: SimulatedNetwork
  readonly store: ObjectStore

  constructor(network: SimulatedNetwork, store: ObjectStore) {
    this.network = network
    this.store = store
  }

  voters(): EtcdMemberState[] {
    return this.members.filter(({ learner }) => !learner)
  }

  memberOf(node: SimulatedNode): EtcdMemberState | undefined {
    return this.members.find((member) => member.node === node)
  }

  /** The member that a node's API server uses: the one beside it. */
  memberFor(node: SimulatedNode): EtcdMemberState | undefined {
    return this.memberOf(node)
  }

  /** Whether a member can commit: it runs and reaches more than half of the voters, including itself. */
  canCommit(member: EtcdMemberState): boolean {
    const reached = this.voters().filter((voter) => voter.running && this.connected(member, voter))
    return member.running && reached.length * 2 > this.voters().length
  }

  currentLeader(): EtcdMemberState | undefined {
    if (
      this.leader !== undefined &&
      this.members.includes(this.leader) &&
      !this.leader.learner &&
      this.canCommit(this.leader)
    )
      return this.leader
    const now = Date.now()
    if (this.leader !== undefined) {
      this.leader = undefined
      this.leaderlessSince = now
    }
    if (now - this.leaderlessSince < electionMs) return undefined
    this.leader = this.voters().find((voter) => this.canCommit(voter))
    if (this.leader !== undefined) this.term++
    return this.leader
  }

  /** Throws the API server's error if etcd cannot answer for this node. */
  requireQuorum(node: SimulatedNode): void {
    const member = this.memberFor(node)
    const leader = this.currentLeader()
    if (member?.serving !== true)
      throw new StatusError(500, 'InternalError', 'rpc error: code = Unavailable desc = connection refused')
    if (leader === undefined || !this.connected(member, leader) || !this.canCommit(member)) {
      throw new StatusError(500, 'InternalError', refusals.timedOut)
    }
  }

  /** What needs the role root once authentication is on: members, snapshots, the question for it (tried with a real 3.5.15). */
  requireRoot(commonName: string): void {
    if (this.roots?.has(commonName) === false) throw new Error(refusals.userNotFound)
  }

  /** First member of a new cluster. */
  bootstrap(node: SimulatedNode): EtcdMemberState {
    const member = newMember(httpsUrl(node.address, 2380))
    member.node = node
    member.name = node.name
    this.members.push(member)
    return member
  }

  /** MemberAddAsLearner, or a voter (MemberAdd) as kubeadm before 1.29 did it. */
  add(peerUrl: string, learner: boolean): EtcdMemberState {
    this.requireLeader()
    if (this.members.some((member) => member.peerUrl === peerUrl)) throw new Error(refusals.peerUrlExists)
    if (learner && this.members.some((member) => member.learner)) throw new Error(refusals.tooManyLearners)
    if (this.voters().some((voter) => !voter.serving)) throw new Error(refusals.notEnoughStarted)
    const member = newMember(peerUrl)
    member.learner = learner
    this.members.push(member)
    this.changes.push({ what: 'add', peerUrl })
    this.store.revision++
    return member
  }

  promote(id: bigint): void {
    this.requireLeader()
    const member = this.find(id)
    if (!member.learner) throw new Error(refusals.notLearner)
    if (!member.running || Date.now() - member.startedAt < syncMs) throw new Error(refusals.learnerNotReady)
    member.learner = false
    this.changes.push({ what: 'promote', peerUrl: member.peerUrl })
  }

  /** MemberUpdate: its peer URLs. */
  update(id: bigint, peerUrl: string): void {
    this.requireLeader()
    const member = this.find(id)
    if (this.members.some((one) => one !== member && one.peerUrl === peerUrl)) throw new Error(refusals.peerUrlExists)
    member.peerUrl = peerUrl
    this.changes.push({ what: 'update', peerUrl })
  }

  /** MoveLeader, for the leader: without an election timeout. */
  moveLeader(from: EtcdMemberState | undefined, to: bigint): void {
    if (from === undefined || this.currentLeader() !== from) throw new Error(refusals.notLeader)
    const target = this.voters().find(({ id }) => id === to)
    if (target === undefined || !this.canCommit(target)) throw new Error(refusals.badTransferee)
    this.leader = target
    this.term++
  }

  /** Refused if the rest would have no majority of started members (strict-reconfig-check). */
  remove(id: bigint): void {
    this.requireLeader()
    const member = this.find(id)
    const left = this.voters().filter((voter) => voter !== member)
    const started = left.filter((voter) => voter.running)
    if (!member.learner && started.length * 2 <= left.length) throw new Error(refusals.notEnoughStarted)
    this.members = this.members.filter((other) => other !== member)
    this.changes.push({ what: 'remove', peerUrl: member.peerUrl })
  }

  /** Bytes of the database, without its hash. */
  size(): number {
    if (this.sizeAt.revision !== this.store.revision)
      this.sizeAt = { revision: this.store.revision, bytes: this.snapshot().length - 32 }
    return this.sizeAt.bytes
  }

  /** What a snapshot stream carries: pages of the store's bytes and their sha256. */
  snapshot(): Buffer {
    const text = Buffer.from(JSON.stringify(this.store.dump()))
    const pages = Buffer.alloc(Math.ceil((text.length + 4096) / 4096) * 4096)
    text.copy(pages, 4096)
    return Buffer.concat([pages, createHash('sha256').update(pages).digest()])
  }

  connected(a: EtcdMemberState, b: EtcdMemberState): boolean {
    if (a === b) return true
    if (a.node === undefined || b.node === undefined) return false
    return a.node.alive && b.node.alive && !this.network.isCut(a.node, b.node)
  }

  private requireLeader(): void {
    if (this.currentLeader() === undefined) throw new Error(refusals.noLeader)
  }

  private find(id: bigint): EtcdMemberState {
    const member = this.members.find((other) => other.id === id)
    if (member === undefined) throw new Error(refusals.notFound)
    return member
  }
}

function newMember(peerUrl: string): EtcdMemberState {
  const id = randomBytes(8).readBigUInt64BE()
  return {
    id,
    name: '',
    peerUrl,
    clientUrl: '',
    learner: false,
    node: undefined,
    running: false,
    startedAt: 0,
    serving: false,
  }
}
