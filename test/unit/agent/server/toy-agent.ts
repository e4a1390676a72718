import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { type ClientReadableStream, Metadata, type ServiceError } from '@grpc/grpc-js'
import {
  NodeAgentServiceClient,
  type RestartKubeletRequest,
  type RestartKubeletResponse,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import { ErrorDetail, OperationHeader, OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { createFleetCa, issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import { createLog, type Log } from '@quorate/shared/log'
import { clientCredentials } from '@quorate/shared/mtls'
import type { Test } from 'tap'
import { createSealing } from '../../../../agent/src/host/age-sealing.js'
import { openAppendFile } from '../../../../agent/src/host/append-file.js'
import { BackupSealing } from '../../../../agent/src/host/backup-sealing.js'
import { DenyList } from '../../../../agent/src/host/deny-list.js'
import { type Disk, systemDisk } from '../../../../agent/src/host/disk.js'
import { LinuxHost } from '../../../../agent/src/host/linux-host.js'
import { NodeNetwork } from '../../../../agent/src/host/node-network.js'
import { Pins } from '../../../../agent/src/host/pins.js'
import { DisturbingLooks } from '../../../../agent/src/ops/context/disturbing-looks.js'
import type { Operations } from '../../../../agent/src/ops/operations.js'
import type { CallAudit } from '../../../../agent/src/server/call-audit.js'
import { Ledger } from '../../../../agent/src/server/ledger.js'
import { type Serving, serve } from '../../../../agent/src/server/serve.js'
import { ownIdentity } from '../../../support/node-identities.js'

export const fleet = createFleetCa('toy')
/** The toy's own identity. */
export const node = issue('node1.example.com', ['quorate:node'], 'server')

function issue(commonName: string, organizations: string[], usage: 'client' | 'server' | 'both', ca = fleet) {
  return issueCertificate({ ca, commonName, organizations, dnsNames: [commonName], ipAddresses: [], days: 1, usage })
}

export interface ToyAgent {
  readonly port: number
  readonly ledgerPath: string
  readonly logged: string[]
  stop(graceMs?: number): Promise<void>
}

export interface ToyOptions {
  readonly busyWaitMs?: number
  readonly disk?: Disk
  readonly calls?: (log: Log) => CallAudit
}

/** A real agent with few operations: real files, ledger, TLS and gRPC, on a folder. The same folder again is the agent after a restart. */
export async function startToyAgent(
  t: Test,
  root: string,
  operations: Partial<Operations>,
  { busyWaitMs = 5000, disk = systemDisk, calls }: ToyOptions = {},
): Promise<ToyAgent> {
  const host = new LinuxHost(root)
  const ledgerPath = join(root, 'var/lib/quorate-agent/ledger.jsonl')
  const ledger = new Ledger(await openAppendFile(ledgerPath, disk), ledgerPath)
  const logged: string[] = []
  const log = createLog('toy', (line) => logged.push(line))
  const identity = await ownIdentity(host, {
    node: 'node1.example.com',
    ca: fleet.certPem,
    cert: node.certPem,
    key: node.keyPem,
  })
  const place = { host, stateFolder: '/var/lib/quorate-agent', log }
  const denyList = await DenyList.open({ ...place, ca: () => identity.ca })
  const pins = new Pins({ ...place, enrolled: {}, log: createLog('toy', () => {}) })
  const never = () => {
    throw new Error('not on this node')
  }
  const serving: Serving = await serve({
    listen: '127.0.0.1:0',
    identity,
    operations,
    tools: {
      host,
      stateFolder: '/var/lib/quorate-agent',
      criSocket: '/run/containerd/containerd.sock',
      network: new NodeNetwork({ host }),
      identity,
      sealing: await createSealing(identity, denyList),
      denyList,
      pins,
      backups: new BackupSealing({ host, stateFolder: '/var/lib/quorate-agent', pins }),
      looks: new DisturbingLooks(),
      kube: never,
      etcd: never,
      cri: never,
    },
    ledger,
    log,
    busyWaitMs,
    ...(calls === undefined ? {} : { calls: calls(log) }),
  })
  let stopped: Promise<void> | undefined
  const stop = (graceMs = 5000): Promise<void> => {
    stopped ??= serving.stop(graceMs)
    return stopped
  }
  t.teardown(() => stop(0))
  return { port: serving.port, ledgerPath, logged, stop }
}

/** A caller with its certificate, and connections of its own. */
export function callerOf(t: Test, port: number, organizations: string[] = ['quorate:operator'], ca = fleet) {
  const identity = issue('coordinator', organizations, 'client', ca)
  const at = (where: number): NodeAgentServiceClient => dial(t, where, identity)
  const { fingerprint256: fingerprint } = new X509Certificate(identity.certPem)
  return { ...identity, fingerprint, client: at(port), again: () => at(port), at }
}

export const clientOf = (...caller: Parameters<typeof callerOf>): NodeAgentServiceClient => callerOf(...caller).client

function dial(t: Test, port: number, { certPem, keyPem }: KeyPair): NodeAgentServiceClient {
  const credentials = clientCredentials({ ca: fleet.certPem, cert: certPem, key: keyPem })
  const client = new NodeAgentServiceClient(`127.0.0.1:${port}`, credentials, {
    'grpc.ssl_target_name_override': 'node1.example.com',
    // Each has a connection of its own.
    'grpc.use_local_subchannel_pool': 1,
  })
  t.teardown(() => client.close())
  return client
}

export const headerOf = (operationId: string, rest: Partial<OperationHeader> = {}): OperationHeader =>
  OperationHeader.fromPartial({
    operationId,
    runId: '20261122t221530-ab12cd',
    cluster: 'prod',
    fencingToken: 1,
    ...rest,
  })

export const restart = (operationId: string, rest: Partial<OperationHeader> = {}): RestartKubeletRequest => ({
  header: headerOf(operationId, rest),
})

export const resultWith = (summary: string): OperationResult => OperationResult.fromPartial({ summary })

export interface Ended {
  readonly progress: string[]
  readonly result?: OperationResult
  readonly status?: number
  readonly error?: ErrorDetail
}

/** Follows a change to its end: never rejects. */
export function followed(call: ClientReadableStream<RestartKubeletResponse>): Promise<Ended> {
  return new Promise((resolve) => {
    const progress: string[] = []
    let result: OperationResult | undefined
    call.on('data', ({ event }: RestartKubeletResponse) => {
      if (event?.event?.$case === 'progress') progress.push(event.event.progress.message)
      if (event?.event?.$case === 'result') result = event.event.result
    })
    call.on('error', (error: ServiceError) => resolve({ progress, status: error.code, error: detailOf(error) }))
    call.on('end', () => result !== undefined && resolve({ progress, result }))
  })
}

export function detailOf(error: ServiceError): ErrorDetail {
  const [bytes] = (error.metadata ?? new Metadata()).get('quorate-error-bin')
  return bytes instanceof Buffer ? ErrorDetail.decode(bytes) : ErrorDetail.fromPartial({ message: error.details })
}

export const asked = (client: NodeAgentServiceClient, request: RestartKubeletRequest): Promise<Ended> =>
  followed(client.restartKubelet(request))
