import { createHash } from 'node:crypto'
import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import { connectEtcd } from '@quorate/agent/host/etcd-client'
import {
  type AuthServer,
  AuthService,
  type ClusterServer,
  ClusterService,
  type KVServer,
  KVService,
  type MaintenanceServer,
  MaintenanceService,
  type Member,
  StatusResponse,
} from '@quorate/shared/gen/third_party/etcd/rpc'
import { issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import type { Test } from 'tap'
import { controlPlaneNode } from './control-plane-node.js'

interface EtcdState {
  members: Member[]
  alarms: { memberID: string; alarm: number }[]
  /** Who this endpoint is. */
  memberId: string
  /** This endpoint's own status. */
  status: Partial<StatusResponse>
  /** Without it nothing that goes through raft is answered. */
  quorum: boolean
  /** Each request for the member list: whether it was to go through raft. */
  linearizable: boolean[]
  /** Pages of the snapshot; the hash is put behind them unless `damaged`. */
  snapshot: Buffer
  damaged: boolean
  /** The snapshot never ends. */
  endless: boolean
  removed: string[]
  /** Keys; undefined: its users are limited, and it refuses to delete any. */
  keys: Set<string> | undefined
  /** Of each of those keys. */
  /** Revision of each write of a key. */
  revision: number
  /** Whether the leader takes a learner for in sync. */
  inSync: boolean
  /** Answers the question whether it authenticates: nobody, a client with the role root, or one without. */
  authentication: 'off' | 'root' | 'etcdserver: user name not found' | 'etcdserver: permission denied'
}

export interface EtcdServer {
  readonly url: string
  readonly state: EtcdState
  close(): void
}

/** Ids of 64 bits: as JavaScript numbers they would lose their last digits. */
export const etcdIds = { own: '10276657743932975437', other: '18249187646912138824', cluster: '14841639068965178418' }

const header = { clusterId: etcdIds.cluster, memberId: etcdIds.own, revision: '4711', raftTerm: '3' }
const chunkBytes = 100

interface EtcdWish {
  readonly memberId?: string
  /** Of this machine; where it listens, and what its certificate is for beside the name localhost. */
  readonly address?: string
  readonly certificateFor?: readonly string[]
}

/** etcd's v3 API as far as the agent speaks it, with client certificates required, for the name localhost only (as kubeadm's always has) unless told otherwise. */
export async function startEtcd(
  ca: KeyPair,
  { memberId = etcdIds.own, address = '127.0.0.1', certificateFor = [] }: EtcdWish = {},
): Promise<EtcdServer> {
  const state: EtcdState = {
    members: [],
    alarms: [],
    memberId,
    status: {},
    quorum: true,
    linearizable: [],
    snapshot: Buffer.alloc(1024, 7),
    damaged: false,
    endless: false,
    removed: [],
    keys: new Set(),
    revision: 7587,
    inSync: false,
    authentication: 'off',
  }
  const server = new Server()
  const lost = { code: status.UNAVAILABLE, details: 'etcdserver: no leader' }
  const cluster: ClusterServer = {
    memberList: (call, callback) => {
      state.linearizable.push(call.request.linearizable)
      if (call.request.linearizable && !state.quorum) callback(lost)
      else callback(null, { header, members: state.members })
    },
    memberRemove: (call, callback) => {
      if (!state.members.some(({ ID }) => ID === call.request.ID))
        return callback({ code: status.NOT_FOUND, details: 'etcdserver: member not found' })
      state.removed.push(call.request.ID)
      state.members = state.members.filter(({ ID }) => ID !== call.request.ID)
      callback(null, { header, members: state.members })
    },
    memberUpdate: (call, callback) => {
      const update = (one: Member): Member =>
        one.ID === call.request.ID ? { ...one, peerURLs: call.request.peerURLs } : one
      state.members = state.members.map(update)
      callback(null, { header, members: state.members })
    },
    memberPromote: (call, callback) => {
      if (!state.inSync)
        return callback({
          code: status.FAILED_PRECONDITION,
          details: 'etcdserver: can only promote a learner member which is in sync with leader',
        })
      const promote = (one: Member): Member => (one.ID === call.request.ID ? { ...one, isLearner: false } : one)
      state.members = state.members.map(promote)
      callback(null, { header, members: state.members })
    },
  }
  server.addService(ClusterService, cluster)
  const kv: KVServer = {
    deleteRange: (call, callback) =>
      state.keys === undefined
        ? callback({ code: status.PERMISSION_DENIED, details: 'etcdserver: permission denied' })
        : callback(null, { header, deleted: state.keys.delete(call.request.key.toString()) ? '1' : '0' }),
    range: ({ request: { key } }, callback) =>
      state.keys === undefined
        ? callback({ code: status.PERMISSION_DENIED, details: 'etcdserver: permission denied' })
        : callback(null, {
            header,
            kvs: state.keys.has(key.toString()) ? [{ key, modRevision: String(state.revision) }] : [],
          }),
  }
  server.addService(KVService, kv)
  const maintenance: MaintenanceServer = {
    alarm: (_, callback) => (state.quorum ? callback(null, { header, alarms: state.alarms }) : callback(lost)),
    status: (_, callback) =>
      callback(
        null,
        StatusResponse.fromPartial({
          header: { ...header, memberId: state.memberId },
          version: '3.6.5',
          dbSize: '20480',
          leader: etcdIds.own,
          raftIndex: '12',
          raftAppliedIndex: '12',
          ...state.status,
        }),
      ),
    moveLeader: (call, callback) => {
      if (state.status.leader !== undefined && state.status.leader !== state.memberId)
        return callback({ code: status.FAILED_PRECONDITION, details: 'etcdserver: not leader' })
      state.status = { ...state.status, leader: call.request.targetID }
      callback(null, { header })
    },
    snapshot: (call) => {
      if (state.endless) {
        const message = { header, remainingBytes: '0', version: '', blob: Buffer.alloc(512 * 1024) }
        const more = (): void => {
          while (!call.cancelled && call.write(message)) {
            // until nothing more fits
          }
        }
        call.on('drain', more)
        return more()
      }
      const hash = createHash('sha256').update(state.snapshot).digest()
      const bytes = Buffer.concat([state.snapshot, state.damaged ? Buffer.alloc(32) : hash])
      for (let at = 0; at < bytes.length; at += chunkBytes)
        call.write({ header, remainingBytes: '0', version: '', blob: bytes.subarray(at, at + chunkBytes) })
      call.end()
    },
  }
  server.addService(MaintenanceService, maintenance)
  const auth: AuthServer = {
    authStatus: (_, callback) =>
      state.authentication.startsWith('etcdserver')
        ? callback({ code: status.PERMISSION_DENIED, details: state.authentication })
        : callback(null, { header, enabled: state.authentication === 'root' }),
  }
  server.addService(AuthService, auth)
  const pair = issueCertificate({
    ca,
    commonName: 'etcd',
    organizations: [],
    dnsNames: ['localhost'],
    ipAddresses: certificateFor,
    days: 1,
    usage: 'server',
  })
  const identity = ServerCredentials.createSsl(
    Buffer.from(ca.certPem),
    [{ private_key: Buffer.from(pair.keyPem), cert_chain: Buffer.from(pair.certPem) }],
    true,
  )
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${address}:0`, identity, (error, bound) => (error === null ? resolve(bound) : reject(error))),
  )
  return { url: `https://${address}:${port}`, state, close: () => server.forceShutdown() }
}

/** A member as etcd lists it. */
export const member = (ID: string, name: string, url?: string): Member => ({
  ID,
  name,
  peerURLs: ['https://192.168.13.30:2380'],
  clientURLs: url === undefined ? [] : [url],
  isLearner: false,
})

interface Node {
  readonly ca: KeyPair
  readonly root: string
  write(path: string, text: string): void
  text(path: string): string
}

/** Makes this node's manifest and certificates lead to a server of its own. */
export async function giveEtcd(t: { teardown(end: () => unknown): void }, node: Node): Promise<EtcdServer> {
  const etcd = await startEtcd(node.ca)
  t.teardown(() => etcd.close())
  const manifest = '/etc/kubernetes/manifests/etcd.yaml'
  node.write(manifest, node.text(manifest).replaceAll('https://127.0.0.1:2379', etcd.url))
  const client = issueCertificate({
    ca: node.ca,
    commonName: 'healthcheck',
    organizations: [],
    dnsNames: [],
    ipAddresses: [],
    days: 1,
    usage: 'client',
  })
  node.write('/etc/kubernetes/pki/etcd/ca.crt', node.ca.certPem)
  node.write('/etc/kubernetes/pki/etcd/healthcheck-client.crt', client.certPem)
  node.write('/etc/kubernetes/pki/etcd/healthcheck-client.key', client.keyPem)
  etcd.state.members = [member(etcdIds.own, 'k8smaster1.example.com', etcd.url)]
  return etcd
}

/** A control plane with an etcd, and the agent's client of it. */
export async function connectedEtcd(t: Test) {
  const node = await controlPlaneNode(t)
  const etcd = await giveEtcd(t, node)
  const client = await connectEtcd(node.host)
  t.teardown(() => client.close())
  return { node, etcd, client }
}
