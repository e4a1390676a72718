import { dirname } from 'node:path'
import { type ChannelCredentials, credentials } from '@grpc/grpc-js'
import { QuorateError } from '@quorate/shared/errors'
import type { EtcdMember, EtcdStatus } from '@quorate/shared/gen/quorate/v1/facts'
import { ClusterClient, MaintenanceClient, type Member } from '@quorate/shared/gen/third_party/etcd/rpc'
import { readStaticPod } from '@quorate/shared/static-pod'
import type { EtcdClient, EtcdMembership } from './etcd.js'
import { grpcReason, unary } from './grpc-call.js'
import type { Host } from './host.js'

const manifest = '/etc/kubernetes/manifests/etcd.yaml'
const statusMs = 3_000
const changeMs = 15_000
const alarmNames = ['NONE', 'NOSPACE', 'CORRUPT'] as const
// etcd's server certificate always has the name localhost (kubeadm, GetEtcdAltNames); a bare IP as TLS server name makes Node warn.
const channelOptions = { 'grpc.ssl_target_name_override': 'localhost' }

const hex = (id: string): string => BigInt(id).toString(16)

interface EtcdPlace {
  /** `https://192.168.13.30:2379` */
  readonly url: string
  /** Folder of ca.crt and healthcheck-client.{crt,key}. */
  readonly pkiFolder: string
}

/** Where this control plane's etcd answers others, from its static pod's command line. */
async function readEtcdPlace(host: Host): Promise<EtcdPlace> {
  const file = await host.read(manifest)
  if (file === undefined)
    throw new QuorateError('NOT_A_CONTROL_PLANE', 'there is no etcd on this node', { where: manifest })
  const { flags } = readStaticPod(file.bytes.toString('utf8'))
  const urls = [flags['advertise-client-urls'], flags['listen-client-urls']].flatMap((list) => list?.split(',') ?? [])
  const url = urls.find((one) => !/\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/.test(one)) ?? urls[0]
  const ca = flags['trusted-ca-file']
  if (url === undefined || ca === undefined) {
    throw new QuorateError('ETCD_REFUSED', 'the etcd manifest names no client URL or no trusted-ca-file', {
      where: manifest,
    })
  }
  return { url, pkiFolder: dirname(ca) }
}

async function readCredentials(host: Host, folder: string): Promise<ChannelCredentials> {
  const [ca, key, cert] = await Promise.all(
    ['ca.crt', 'healthcheck-client.key', 'healthcheck-client.crt'].map(async (name) => {
      const file = await host.read(`${folder}/${name}`)
      if (file === undefined)
        throw new QuorateError('ETCD_REFUSED', `${folder}/${name} is missing: no client certificate for etcd`)
      return file.bytes
    }),
  )
  return credentials.createSsl(ca, key, cert)
}

/** One channel for each endpoint that is asked; all are closed together. */
class Channels {
  private readonly identity: ChannelCredentials
  private readonly open = new Map<string, { cluster: ClusterClient; maintenance: MaintenanceClient }>()

  constructor(identity: ChannelCredentials) {
    this.identity = identity
  }

  to(url: string): { cluster: ClusterClient; maintenance: MaintenanceClient } {
    const known = this.open.get(url)
    if (known !== undefined) return known
    const { host } = new URL(url)
    const made = {
      cluster: new ClusterClient(host, this.identity, channelOptions),
      maintenance: new MaintenanceClient(host, this.identity, channelOptions),
    }
    this.open.set(url, made)
    return made
  }

  close(): void {
    for (const { cluster, maintenance } of this.open.values()) {
      cluster.close()
      maintenance.close()
    }
  }
}

interface OwnStatus extends EtcdStatus {
  readonly revision: string
}

async function readStatus({ maintenance }: ReturnType<Channels['to']>, signal?: AbortSignal): Promise<OwnStatus> {
  const started = performance.now()
  const answer = await unary(maintenance.status.bind(maintenance), {}, { deadlineMs: statusMs, signal })
  return {
    version: answer.version,
    dbSizeBytes: Number(answer.dbSize),
    leaderId: hex(answer.leader),
    learner: answer.isLearner,
    raftIndex: Number(answer.raftIndex),
    raftAppliedIndex: Number(answer.raftAppliedIndex),
    errors: answer.errors,
    clusterId: hex(answer.header?.clusterId ?? '0'),
    latencyMs: Math.round(performance.now() - started),
    revision: answer.header?.revision ?? '0',
  }
}

async function withStatus(channels: Channels, member: Member, signal?: AbortSignal): Promise<EtcdMember> {
  const url = member.clientURLs[0]
  const answer = url === undefined ? undefined : await readStatus(channels.to(url), signal).catch(() => undefined)
  const { revision: _, ...status } = answer ?? { revision: '' }
  return {
    id: hex(member.ID),
    name: member.name,
    peerUrls: member.peerURLs,
    clientUrls: member.clientURLs,
    learner: member.isLearner,
    status: answer === undefined ? undefined : (status as EtcdStatus),
  }
}

/** Through raft first: only that answer is the cluster's. Without quorum the local store's answer is still worth seeing. */
async function listMembers({ cluster }: ReturnType<Channels['to']>, signal?: AbortSignal) {
  const list = (linearizable: boolean) =>
    unary(cluster.memberList.bind(cluster), { linearizable }, { deadlineMs: statusMs, signal })
  return list(true).catch(() => list(false))
}

async function listAlarms({ maintenance }: ReturnType<Channels['to']>, signal?: AbortSignal): Promise<string[]> {
  const request = { action: 0, memberID: '0', alarm: 0 }
  return unary(maintenance.alarm.bind(maintenance), request, { deadlineMs: statusMs, signal }).then(
    ({ alarms }) => alarms.map(({ memberID, alarm }) => `${alarmNames[alarm] ?? alarm} on ${hex(memberID)}`),
    (error: unknown) => [`unreadable: ${grpcReason(error)}`],
  )
}

async function* readSnapshot({ maintenance }: ReturnType<Channels['to']>, signal?: AbortSignal) {
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

/**
 * etcd of this control plane: dialled at the URL that its manifest advertises, with pki/etcd/healthcheck-client.{crt,key} verified
 * against pki/etcd/ca.crt. NOT_A_CONTROL_PLANE where there is no etcd manifest; what etcd refuses is ETCD_REFUSED with its own words.
 */
export async function connectEtcd(host: Host): Promise<EtcdClient> {
  const { url, pkiFolder } = await readEtcdPlace(host)
  const channels = new Channels(await readCredentials(host, pkiFolder))
  const own = channels.to(url)
  const refused = (doing: string) => (error: unknown) => {
    if (error instanceof QuorateError || (error as Error).name === 'AbortError') throw error
    throw new QuorateError('ETCD_REFUSED', `${doing}: ${grpcReason(error)}`, { where: url, cause: error })
  }
  const change = (doing: string, call: Promise<unknown>): Promise<void> => call.then(() => undefined, refused(doing))
  return {
    async members(signal): Promise<EtcdMembership> {
      const [list, alarms, status] = await Promise.all([
        listMembers(own, signal),
        listAlarms(own, signal),
        readStatus(own, signal),
      ]).catch(refused('reading the member list'))
      const members = await Promise.all(list.members.map((member) => withStatus(channels, member, signal)))
      return { members, alarms, clusterId: hex(list.header?.clusterId ?? '0'), revision: status.revision }
    },
    ownStatus: (signal) => readStatus(own, signal).catch(refused('asking the own member')),
    snapshot: (signal) => readSnapshot(own, signal),
    removeMember: (id, signal) => {
      const request = { ID: BigInt(`0x${id}`).toString() }
      return change(
        `removing member ${id}`,
        unary(own.cluster.memberRemove.bind(own.cluster), request, { deadlineMs: changeMs, signal }),
      )
    },
    promoteMember: (id, signal) => {
      const request = { ID: BigInt(`0x${id}`).toString() }
      return change(
        `promoting member ${id}`,
        unary(own.cluster.memberPromote.bind(own.cluster), request, { deadlineMs: changeMs, signal }),
      )
    },
    close: () => channels.close(),
  }
}
