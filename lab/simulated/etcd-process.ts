import { createServer, type Server } from 'node:tls'
import { Server as GrpcServer, ServerCredentials, type ServerErrorResponse, status } from '@grpc/grpc-js'
import type { AuthContext } from '@grpc/grpc-js/build/src/auth-context.js'
import {
  AuthService,
  ClusterService,
  KVService,
  MaintenanceService,
  type Member,
  type ResponseHeader,
} from '@quorate/shared/gen/third_party/etcd/rpc'
import type { EtcdCluster, EtcdMemberState } from './etcd-cluster.js'
import { hostPort, placeOf } from './host-port.js'
import type { SimulatedNetwork } from './network.js'
import { isLoopback, trackSockets } from './network.js'
import type { Listening, SimulatedNode } from './node.js'

export interface EtcdProcessParts {
  readonly node: SimulatedNode
  readonly network: SimulatedNetwork
  readonly cluster: EtcdCluster
  readonly flags: ReadonlyMap<string, string>
  readonly version: string
}

/** A learner's client port answers only some time after its promotion; seconds on real nodes. */
const servesAfterPromotionMs = 500
/** A learner reports its status once it has published its URLs to the others; seven seconds on real nodes. */
const learnerAnswersAfterMs = 1500

/** One etcd process: its peer port (TLS, nothing is said on it) and its client API by gRPC with mTLS, on the node's own files. */
export class EtcdProcess {
  private readonly parts: EtcdProcessParts
  private grpc: GrpcServer | undefined
  private peers: Server | undefined
  private dropPeers = (): void => {}
  private readonly listening: Listening[] = []
  private stopped = false
  /** Listens on loopback alone. */
  private onlyItself = false
  private readonly pid: number

  constructor(parts: EtcdProcessParts) {
    this.parts = parts
    this.pid = parts.node.newPid()
  }

  async start(): Promise<void> {
    const { node, cluster } = this.parts
    const member =
      this.member() ?? (this.flag('initial-cluster-state') === 'existing' ? undefined : cluster.bootstrap(node))
    if (member === undefined) throw new Error('member count is unequal')
    await new Promise((resolve) => setTimeout(resolve, node.faults.etcdStartsAfterMs ?? 0))
    if (this.stopped) return
    await this.listenForPeers()
    member.node = node
    member.name = this.flag('name')
    member.running = true
    member.startedAt = Date.now()
    member.clientUrl = this.flag('advertise-client-urls')
    node.folder(`${this.flag('data-dir')}/member/snap`, 0o700)
    node.write(this.dataPath, member.id.toString(16))
    void this.serveWhenVoter(member)
  }

  async stop(): Promise<void> {
    this.stopped = true
    const member = this.member()
    if (member !== undefined) Object.assign(member, { running: false, serving: false })
    this.dropPeers()
    this.peers?.close()
    this.grpc?.forceShutdown()
    for (const entry of this.listening) this.parts.node.listening.delete(entry)
  }

  private get dataPath(): string {
    return `${this.flag('data-dir')}/member/snap/db`
  }

  private flag(name: string): string {
    return this.parts.flags.get(name) ?? ''
  }

  /** Its identity is in its data; a new member is found by the peer URL with which it was added. */
  private member(): EtcdMemberState | undefined {
    const { node, cluster } = this.parts
    const own = node.read(this.dataPath)
    const known = cluster.members.find(({ id }) => id.toString(16) === own)
    return known ?? cluster.members.find(({ peerUrl }) => peerUrl === this.flag('initial-advertise-peer-urls'))
  }

  private async listenForPeers(): Promise<void> {
    const { node, network } = this.parts
    const server = createServer({
      cert: node.must(this.flag('peer-cert-file')),
      key: node.must(this.flag('peer-key-file')),
      ca: node.must(this.flag('peer-trusted-ca-file')),
      requestCert: true,
      rejectUnauthorized: true,
    })
    server.on('tlsClientError', () => {})
    const { host, port } = placeOf(this.flag('listen-peer-urls'))
    const alone = isLoopback(host)
    this.dropPeers = trackSockets(
      server,
      (socket) => network.mayPass(socket.remoteAddress, node) && (!alone || socket.remoteAddress === node.address),
    )
    const at = alone ? node.address : host
    await new Promise<void>((resolve, reject) => server.on('error', reject).listen(port, at, resolve))
    this.peers = server
    this.listens(host, port)
  }

  private async serveWhenVoter(member: EtcdMemberState): Promise<void> {
    let promotedAt = member.learner ? undefined : 0
    while (!this.stopped) {
      if (!member.learner) promotedAt ??= Date.now()
      if (promotedAt !== undefined && Date.now() - promotedAt >= servesAfterPromotionMs) break
      if (member.learner && Date.now() - member.startedAt >= learnerAnswersAfterMs) await this.listenForClients()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    if (this.stopped) return
    await this.listenForClients()
    member.serving = true
  }

  private async listenForClients(): Promise<void> {
    if (this.grpc !== undefined) return
    const { node } = this.parts
    const urls = this.flag('listen-client-urls').split(',')
    const outward = urls.find((each) => !isLoopback(placeOf(each).host))
    const { host, port } = placeOf(outward ?? urls[0] ?? '')
    // A node's own loopback is a connection to its own address here: only the node itself is answered there.
    this.onlyItself = outward === undefined
    const at = this.onlyItself ? node.address : host
    const pair = {
      cert_chain: Buffer.from(node.must(this.flag('cert-file'))),
      private_key: Buffer.from(node.must(this.flag('key-file'))),
    }
    const server = new GrpcServer()
    const ca = Buffer.from(node.must(this.flag('trusted-ca-file')))
    this.addServices(server)
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(hostPort(at, port), ServerCredentials.createSsl(ca, [pair], true), (error) =>
        error === null ? resolve() : reject(error),
      ),
    )
    if (this.stopped) return server.forceShutdown()
    this.grpc = server
    this.listens(host, port)
  }

  private listens(address: string, port: number): void {
    const entry = { address, port, process: 'etcd', pid: this.pid }
    this.listening.push(entry)
    this.parts.node.listening.add(entry)
  }

  private addServices(server: GrpcServer): void {
    const { cluster } = this.parts
    type Call = { getPeer(): string; getAuthContext(): AuthContext }
    type Callback<T> = (error: ServerErrorResponse | null, value?: T) => void
    const answer = <T>(call: Call, callback: Callback<T>, make: () => T): void => {
      try {
        this.refuseCut(call)
        callback(null, make())
      } catch (error) {
        callback(refusal(error))
      }
    }
    server.addService(ClusterService, {
      memberList: (call: Call, callback: Callback<object>) =>
        answer(call, callback, () => {
          if (this.member()?.learner) throw new Error('etcdserver: rpc not supported for learner')
          return { header: this.header(), members: this.members() }
        }),
      memberRemove: (call: Call & { request: { ID: string } }, callback: Callback<object>) =>
        answer(call, callback, () => {
          cluster.requireRoot(userOf(call))
          cluster.remove(BigInt(call.request.ID))
          return { header: this.header(), members: this.members() }
        }),
      memberUpdate: (call: Call & { request: { ID: string; peerURLs: string[] } }, callback: Callback<object>) =>
        answer(call, callback, () => {
          cluster.requireRoot(userOf(call))
          cluster.update(BigInt(call.request.ID), call.request.peerURLs.join(','))
          return { header: this.header(), members: this.members() }
        }),
      memberPromote: (call: Call & { request: { ID: string } }, callback: Callback<object>) =>
        answer(call, callback, () => {
          cluster.requireRoot(userOf(call))
          cluster.promote(BigInt(call.request.ID))
          return { header: this.header(), members: this.members() }
        }),
    })
    server.addService(KVService, {
      deleteRange: (call: Call & { request: { key: Buffer } }, callback: Callback<object>) =>
        answer(call, callback, () => {
          cluster.requireRoot(userOf(call))
          const deleted = cluster.masterLeases.delete(apiServerOf(call.request.key))
          return { header: this.header(), deleted: deleted ? '1' : '0' }
        }),
      range: (call: Call & { request: { key: Buffer } }, callback: Callback<object>) =>
        answer(call, callback, () => {
          cluster.requireRoot(userOf(call))
          const { key } = call.request
          const wroteAt = cluster.masterLeases.get(apiServerOf(key))
          // The time when it was written is as good as a revision: another one after each write.
          return { header: this.header(), kvs: wroteAt === undefined ? [] : [{ key, modRevision: String(wroteAt) }] }
        }),
    })
    server.addService(AuthService, {
      authStatus: (call: Call, callback: Callback<object>) =>
        answer(call, callback, () => {
          cluster.requireRoot(userOf(call))
          return { header: this.header(), enabled: cluster.roots !== undefined }
        }),
    })
    server.addService(MaintenanceService, {
      alarm: (call: Call, callback: Callback<object>) =>
        answer(call, callback, () => ({
          header: this.header(),
          alarms: cluster.alarms.map((a) => ({ memberID: String(a.member), alarm: a.kind })),
        })),
      moveLeader: (call: Call & { request: { targetID: string } }, callback: Callback<object>) =>
        answer(call, callback, () => {
          cluster.requireRoot(userOf(call))
          cluster.moveLeader(this.member(), BigInt(call.request.targetID))
          return { header: this.header() }
        }),
      status: (call: Call, callback: Callback<object>) => answer(call, callback, () => this.status()),
      snapshot: (call: Call & { write(chunk: object): void; end(): void; destroy(error: Error): void }) => {
        try {
          cluster.requireRoot(userOf(call))
        } catch (error) {
          return call.destroy(error as Error)
        }
        const bytes = cluster.snapshot()
        const step = 32 * 1024
        for (let at = 0; at < bytes.length; at += step) {
          const blob = bytes.subarray(at, at + step)
          call.write({
            header: this.header(),
            remainingBytes: String(bytes.length - at - blob.length),
            blob,
            version: this.parts.version,
          })
        }
        call.end()
      },
    })
  }

  private refuseCut(call: { getPeer(): string }): void {
    const { network, node } = this.parts
    const from = call.getPeer().replace(/:\d+$/, '')
    if (!network.mayPass(from, node) || (this.onlyItself && from !== node.address))
      throw Object.assign(new Error('no route to host'), { code: status.UNAVAILABLE })
  }

  private header(): ResponseHeader {
    const { cluster } = this.parts
    return {
      clusterId: String(cluster.clusterId),
      memberId: String(this.member()?.id ?? 0n),
      revision: String(cluster.store.revision),
      raftTerm: String(cluster.term),
    }
  }

  private members(): Member[] {
    return this.parts.cluster.members.map((member) => ({
      ID: String(member.id),
      name: member.name,
      peerURLs: [member.peerUrl],
      clientURLs: member.clientUrl === '' || member.name === '' ? [] : [member.clientUrl],
      isLearner: member.learner,
    }))
  }

  private status(): object {
    const { cluster, version } = this.parts
    const size = String(cluster.size())
    const index = String(cluster.store.revision + 50)
    const leader = cluster.currentLeader()
    return {
      header: this.header(),
      version,
      dbSize: size,
      leader: String(leader?.id ?? 0n),
      raftIndex: index,
      raftTerm: String(cluster.term),
      raftAppliedIndex: index,
      errors: leader === undefined ? [refusals()] : [],
      dbSizeInUse: size,
      isLearner: this.member()?.learner ?? false,
    }
  }
}

/** etcd takes a client for the user of its certificate's common name. */
/** The address of the API server whose key below /registry/masterleases it is. */
const apiServerOf = (key: Buffer): string => /^\/registry\/masterleases\/(.+)$/.exec(key.toString())?.[1] ?? ''

const userOf = (call: { getAuthContext(): AuthContext }): string => {
  const { CN = '' } = call.getAuthContext().sslPeerCertificate?.subject ?? {}
  return Array.isArray(CN) ? (CN[0] ?? '') : CN
}

const refusals = (): string => 'etcdserver: no leader'

function refusal(error: unknown): ServerErrorResponse {
  const failure = error instanceof Error ? error : new Error(String(error))
  const code = 'code' in failure && typeof failure.code === 'number' ? failure.code : status.FAILED_PRECONDITION
  return Object.assign(failure, { code, details: failure.message })
}
