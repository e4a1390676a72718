import { boundedClient } from '@quorate/shared/answer-bounds'
import { QuorateError } from '@quorate/shared/errors'
import { isLoopback } from '@quorate/shared/etcd-listen'
import type { EtcdMember, EtcdStatus } from '@quorate/shared/gen/quorate/v1/facts'
import {
  AuthClient,
  ClusterClient,
  KVClient,
  MaintenanceClient,
  type Member,
} from '@quorate/shared/gen/third_party/etcd/rpc'
import type { EtcdClient } from './etcd.js'
import { type EtcdPlace, readEtcdPlace } from './etcd-place.js'
import { grpcReason, saidByServer, unary } from './grpc-call.js'
import type { Host } from './host.js'
import { readLocalApiServer } from './local-api-server.js'

const statusMs = 3_000
const changeMs = 15_000
const alarmNames = ['NONE', 'NOSPACE', 'CORRUPT'] as const

const hex = (id: string): string => BigInt(id).toString(16)

/** A size or an index; one that no etcd reaches is refused. */
function count(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${text} is no size and no index`)
  return value
}

/** What an etcd answers is looked at before anything uses it. */
const Bounded = {
  Cluster: boundedClient(ClusterClient),
  Maintenance: boundedClient(MaintenanceClient),
  Auth: boundedClient(AuthClient),
  Kv: boundedClient(KVClient),
}

interface Clients {
  readonly cluster: ClusterClient
  readonly maintenance: MaintenanceClient
  readonly auth: AuthClient
  readonly kv: KVClient
}

/** One channel for each endpoint in use; all are closed together. */
class Channels {
  private readonly place: EtcdPlace
  private readonly open = new Map<string, Clients>()

  constructor(place: EtcdPlace) {
    this.place = place
  }

  to(url: string): Clients {
    const known = this.open.get(url)
    if (known !== undefined) return known
    const { host } = new URL(url)
    const dial = this.place.dial(url)
    // etcd is in the cluster: a proxy of the agent's environment must not be used.
    const [identity, options] = [dial.identity, { ...dial.options, 'grpc.enable_http_proxy': 0 }]
    const made = {
      cluster: new Bounded.Cluster(host, identity, options),
      maintenance: new Bounded.Maintenance(host, identity, options),
      auth: new Bounded.Auth(host, identity, options),
      kv: new Bounded.Kv(host, identity, options),
    }
    this.open.set(url, made)
    return made
  }

  close(): void {
    for (const { cluster, maintenance, auth, kv } of this.open.values())
      for (const one of [cluster, maintenance, auth, kv]) one.close()
  }
}

interface OwnStatus extends EtcdStatus {
  readonly revision: string
  /** The cluster id of the member that answered; hex. */
  readonly memberId: string
}

async function readStatus({ maintenance }: Clients, signal?: AbortSignal): Promise<OwnStatus> {
  const started = performance.now()
  const answer = await unary(maintenance.status.bind(maintenance), {}, { deadlineMs: statusMs, signal })
  return {
    version: answer.version,
    dbSizeBytes: count(answer.dbSize),
    dbInUseBytes: count(answer.dbSizeInUse),
    leaderId: hex(answer.leader),
    learner: answer.isLearner,
    raftIndex: count(answer.raftIndex),
    raftAppliedIndex: count(answer.raftAppliedIndex),
    errors: answer.errors,
    clusterId: hex(answer.header?.clusterId ?? '0'),
    latencyMs: Math.round(performance.now() - started),
    revision: answer.header?.revision ?? '0',
    memberId: hex(answer.header?.memberId ?? '0'),
  }
}

interface Asking {
  readonly channels: Channels
  /** The endpoint of the member that answers for the cluster. */
  readonly own: string
  readonly signal: AbortSignal | undefined
}

const listed = ({ ID, name, peerURLs, clientURLs, isLearner }: Member): Omit<EtcdMember, 'status'> => ({
  ...{ id: hex(ID), name, peerUrls: peerURLs, clientUrls: clientURLs, learner: isLearner },
})

const withStatus = async (member: Member, asking: Asking): Promise<EtcdMember> => ({
  ...listed(member),
  status: await ownWord(member, asking),
})

/**
 * A member's status of itself. It may also advertise a loopback address, where another member could answer, or one at which it
 * does not listen: the member that answers for the cluster is asked at its own endpoint.
 */
async function ownWord({ ID, clientURLs }: Member, { channels, own, signal }: Asking): Promise<EtcdStatus | undefined> {
  const others = clientURLs.filter((url) => !isLoopback(url))
  for (const url of new Set([...(others.length > 0 ? others : clientURLs), ...(clientURLs.length > 0 ? [own] : [])])) {
    const answer = await readStatus(channels.to(url), signal).catch(() => undefined)
    if (answer?.memberId !== hex(ID)) continue
    const { revision: _, memberId: __, ...status } = answer
    return status
  }
  return undefined
}

/** The fastest endpoint that knows a leader; without one any that answers, otherwise the first, whose error says why. */
async function chooseEndpoint(channels: Channels, [first = '', ...others]: readonly string[], signal?: AbortSignal) {
  if (others.length === 0) return first
  const asked = [first, ...others].map(async (url) => ({ url, status: await readStatus(channels.to(url), signal) }))
  const led = asked.map(async (asking) => {
    const answer = await asking
    if (answer.status.leaderId === '0') throw new Error('no leader')
    return answer
  })
  const chosen = await Promise.any(led).catch(() => Promise.any(asked).catch(() => ({ url: first })))
  return chosen.url
}

/** Through raft first: only that answer is the cluster's. Without quorum the local store's answer still helps. */
const listMembers = (own: Clients, signal?: AbortSignal) =>
  listBy(own, true, signal).catch(() => listBy(own, false, signal))

async function listBy({ cluster }: Clients, linearizable: boolean, signal?: AbortSignal) {
  const answer = await unary(cluster.memberList.bind(cluster), { linearizable }, { deadlineMs: statusMs, signal })
  requireMembership(answer.members)
  return answer
}

/** Each member is asked at each of its addresses: a list that no etcd has is not followed. */
const [mostMembers, mostUrls] = [64, 16]

function requireMembership(members: readonly Member[]): void {
  if (members.length > mostMembers) throw new Error(`a list of ${members.length} members`)
  for (const { ID, clientURLs, peerURLs } of members) {
    const urls = [...clientURLs, ...peerURLs]
    if (urls.length > mostUrls) throw new Error(`member ${hex(ID)} has ${urls.length} addresses`)
    const wrong = urls.find((url) => !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    if (wrong !== undefined) throw new Error(`member ${hex(ID)} has the address ${JSON.stringify(wrong.slice(0, 200))}`)
  }
}

async function listAlarms({ maintenance }: Clients, signal?: AbortSignal): Promise<string[]> {
  const request = { action: 0, memberID: '0', alarm: 0 }
  return unary(maintenance.alarm.bind(maintenance), request, { deadlineMs: statusMs, signal }).then(
    ({ alarms }) => alarms.map(({ memberID, alarm }) => `${alarmNames[alarm] ?? alarm} on ${hex(memberID)}`),
    (error: unknown) => [`unreadable: ${grpcReason(error)}`],
  )
}

/** gRPC's code for an unknown method: an etcd before 3.5 (rpc.proto, AuthStatus). */
const unimplemented = 12

/** See EtcdClient.authentication. */
async function askAuthentication({ auth }: Clients, signal?: AbortSignal): Promise<string> {
  try {
    const { enabled } = await unary(auth.authStatus.bind(auth), {}, { deadlineMs: statusMs, signal })
    return enabled ? 'root' : 'off'
  } catch (error) {
    signal?.throwIfAborted()
    const { code, details } = error as { readonly code?: number; readonly details?: string }
    if (code === unimplemented) return ''
    // Only etcd's answer about users and roles counts; other checks find an etcd that is down.
    const said = details === undefined ? grpcReason(error) : saidByServer(details)
    return /user name|permission denied|auth/.test(said) ? said : ''
  }
}

async function* readSnapshot({ maintenance }: Clients, signal?: AbortSignal) {
  const stream = maintenance.snapshot({})
  const cancel = () => stream.cancel()
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    for await (const { blob } of stream) yield blob as Uint8Array
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', cancel)
    stream.cancel()
  }
}

/** The key by which this node's API server says that it serves. The prefix is a flag of the API server. */
async function ownKey(host: Host): Promise<Buffer> {
  const { address, pod } = await readLocalApiServer(host)
  return Buffer.from(`${pod.flags['etcd-prefix'] ?? '/registry'}/masterleases/${address}`)
}

/** See EtcdClient.forgetApiServer. */
async function forgetApiServer(host: Host, { kv }: Clients, signal?: AbortSignal): Promise<void> {
  await unary(kv.deleteRange.bind(kv), { key: await ownKey(host) }, { deadlineMs: statusMs, signal })
}

/** See EtcdClient.apiServerWrote. What is left of the key's lease says less: a new leader of etcd lets every lease begin again. */
async function apiServerWrote(host: Host, { kv }: Clients, signal?: AbortSignal): Promise<string | undefined> {
  const request = { key: await ownKey(host), keysOnly: true }
  const { kvs } = await unary(kv.range.bind(kv), request, { deadlineMs: statusMs, signal })
  return kvs[0]?.modRevision
}

type Change = (doing: string, call: () => Promise<unknown>) => Promise<void>

/** Each changes the member list, by member id. */
function memberChanges(
  { cluster }: Clients,
  change: Change,
): Pick<EtcdClient, 'removeMember' | 'updateMember' | 'promoteMember'> {
  return {
    removeMember: (id, signal) => {
      const request = { ID: BigInt(`0x${id}`).toString() }
      return change(`removing member ${id}`, () =>
        unary(cluster.memberRemove.bind(cluster), request, { deadlineMs: changeMs, signal }),
      )
    },
    updateMember: (id, peerUrls, signal) => {
      const request = { ID: BigInt(`0x${id}`).toString(), peerURLs: [...peerUrls] }
      return change(`updating member ${id}`, () =>
        unary(cluster.memberUpdate.bind(cluster), request, { deadlineMs: changeMs, signal }),
      )
    },
    promoteMember: (id, signal) => {
      const request = { ID: BigInt(`0x${id}`).toString() }
      return change(`promoting member ${id}`, () =>
        unary(cluster.memberPromote.bind(cluster), request, { deadlineMs: changeMs, signal }),
      )
    },
  }
}

const refusedBy = (where: string) => (doing: string) => (cause: unknown) => {
  if (cause instanceof QuorateError || (cause as Error).name === 'AbortError') throw cause
  throw new QuorateError('ETCD_REFUSED', `${doing}: ${grpcReason(cause)}`, { where, cause })
}

/** The members as this one lists them, and what it knows of the cluster. */
async function readMembership(own: Clients, signal?: AbortSignal) {
  const [{ members: list, header }, alarms, { revision }] = await Promise.all([
    listMembers(own, signal),
    listAlarms(own, signal),
    readStatus(own, signal),
  ])
  return { list, alarms, clusterId: hex(header?.clusterId ?? '0'), revision }
}

/**
 * etcd of this control plane, dialled as its manifests say, with the certificates that they name. NOT_A_CONTROL_PLANE without a manifest;
 * an etcd error is ETCD_REFUSED with etcd's message. The members of an external etcd belong to its operator: NOT_IN_TABLE.
 */
export async function connectEtcd(host: Host): Promise<EtcdClient> {
  const place = await readEtcdPlace(host)
  const channels = new Channels(place)
  const url = await chooseEndpoint(channels, place.endpoints)
  const own = channels.to(url)
  const refused = refusedBy(url)
  const change: Change = async (doing, call) => {
    if (!place.stacked)
      throw new QuorateError('NOT_IN_TABLE', `${doing}: this etcd is external: Quorate does not change its members`)
    await call().catch(refused(doing))
  }
  return {
    async members(signal) {
      const { list, ...known } = await readMembership(own, signal).catch(refused('reading the member list'))
      const members = list.map((member) => withStatus(member, { channels, own: url, signal }))
      return { ...known, members: await Promise.all(members) }
    },
    async localList(signal) {
      const list = listBy(own, false, signal)
      const [{ members, header }, { revision }] = await Promise.all([list, readStatus(own, signal)]).catch(
        refused("reading the member list of this node's member"),
      )
      const told = members.map((member): EtcdMember => ({ ...listed(member), status: undefined }))
      return { members: told, alarms: [], clusterId: hex(header?.clusterId ?? '0'), revision }
    },
    authentication: (signal) => askAuthentication(own, signal),
    clientName: place.clientName,
    ownStatus: (signal) => readStatus(own, signal).catch(refused('asking the member of this node')),
    snapshot: (signal) => readSnapshot(own, signal),
    async indexes(other, signal) {
      const both = await Promise.all([readStatus(own, signal), readStatus(channels.to(other), signal)]).catch(
        refused(`asking ${other}`),
      )
      return [both[0].raftIndex, both[1].raftIndex]
    },
    moveLeader: (id, signal) => {
      const request = { targetID: BigInt(`0x${id}`).toString() }
      return change(`moving the leadership to member ${id}`, () =>
        unary(own.maintenance.moveLeader.bind(own.maintenance), request, { deadlineMs: changeMs, signal }),
      )
    },
    apiServerWrote: (signal) =>
      apiServerWrote(host, own, signal).catch(refused('asking whether this API server wrote its key')),
    forgetApiServer: (signal) => forgetApiServer(host, own, signal).catch(refused('forgetting this API server')),
    ...memberChanges(own, change),
    close: () => channels.close(),
  }
}
