import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js'
import { type JoinSpec, NodeAgentServiceClient } from '@quorate/shared/gen/quorate/v1/node_agent'
import { ErrorDetail, type OperationEvent, type OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { clientCredentials } from '@quorate/shared/mtls'
import type { Test } from 'tap'
import type { SimulatedCluster, SiteWish } from '../../lab/simulated/cluster.js'
import { clusterForTest } from './simulated-cluster.js'

type Client = NodeAgentServiceClient
type Reads = 'getNodeFacts' | 'getSealingKey' | 'listEtcdMembers' | 'examineOperation' | 'getOperation'
type Answer<M extends Reads> = Client[M] extends (...args: infer P) => unknown
  ? P extends [...unknown[], (error: never, answer: infer A) => void]
    ? A
    : never
  : never

/** The agents of a simulated site, called as the coordinator calls them but one by one: with its own identity, without its order. */
export class SimulatedAgents {
  readonly runId = '20261122t221530-ab12cd'
  private readonly cluster: SimulatedCluster
  private readonly clients = new Map<string, Client>()

  constructor(t: Test, cluster: SimulatedCluster) {
    this.cluster = cluster
    t.teardown(() => {
      for (const client of this.clients.values()) client.close()
    })
  }

  read<M extends Reads>(node: string, method: M, request: object = {}): Promise<Answer<M>> {
    type Call = (request: object, callback: (error: ServiceError | null, answer: Answer<M>) => void) => void
    const client = this.client(node)
    return new Promise((resolve, reject) =>
      (client[method] as unknown as Call).call(client, request, (error, answer) =>
        error ? reject(error) : resolve(answer),
      ),
    )
  }

  /** Rejects with the agent's ErrorDetail. */
  change(node: string, method: keyof Client & string, operationId: string, request: object = {}, fencingToken = 1) {
    const header = { operationId, runId: this.runId, cluster: 'simulated', fencingToken }
    type Call = (request: object) => ClientReadableStream<{ event: OperationEvent | undefined }>
    const client = this.client(node)
    return new Promise<OperationResult>((resolve, reject) => {
      const stream = (client[method] as unknown as Call).call(client, { header, ...request })
      stream.on('data', ({ event }: { event: OperationEvent | undefined }) => {
        if (event?.event?.$case === 'result') resolve(event.event.result)
      })
      stream.on('error', (error: ServiceError) => {
        const [bytes] = error.metadata?.get('quorate-error-bin') ?? []
        reject(bytes instanceof Buffer ? ErrorDetail.decode(bytes) : error)
      })
    })
  }

  private client(name: string): Client {
    const node = this.cluster.node(name)
    const known = this.clients.get(node.name)
    if (known !== undefined) return known
    const file = (each: string): string => readFileSync(join(this.cluster.stateFolder, 'fleet', each), 'utf8')
    const identity = { ca: file('ca.crt'), cert: file('coordinator.crt'), key: file('coordinator.key') }
    const options = { 'grpc.ssl_target_name_override': node.name, 'grpc.initial_reconnect_backoff_ms': 100 }
    const made = new NodeAgentServiceClient(`${node.address}:7445`, clientCredentials(identity), options)
    this.clients.set(node.name, made)
    return made
  }
}

/** A joiner that could join: one control plane with an endpoint of its own name, secrets placed. */
export async function readyToJoin(t: Test, failJoinPhase?: string, site: SiteWish = {}) {
  const cluster = await clusterForTest(t, { controlPlanes: 2, workers: 0, ...site })
  const agents = new SimulatedAgents(t, cluster)
  const [first, joiner] = [cluster.node('cp1'), cluster.node('cp2')]
  const endpoint = `${first.name}:6443`
  await cluster.control.ask('setEndpoint', { endpoint })
  if (failJoinPhase !== undefined) await cluster.setFaults('cp2', { failJoinPhase })
  const { facts } = await agents.read('cp1', 'getNodeFacts')
  const caPin = facts?.certificates.find(({ path }) => path === '/etc/kubernetes/pki/ca.crt')?.publicKeyPin ?? ''
  const joinSpec: JoinSpec = {
    endpoint,
    nodeName: joiner.name,
    advertiseAddress: joiner.address,
    bindPort: 6443,
    caPin,
    kubeadmApiVersion: 'v1beta4',
    ignorePreflightErrors: [],
    etcdTimeoutSeconds: 300,
    discoveryCaPem: '',
    withPatches: false,
    nodeIp: '',
    kubeletExtraArgs: [],
    ownTaints: false,
    taints: [],
  }
  const place = async (attempt: number): Promise<void> => {
    const recipients = [{ node: joiner.name, ...(await agents.read('cp2', 'getSealingKey')) }]
    const uploaded = await agents.change('cp1', 'uploadCertificates', `upload-${attempt}`, {
      recipients,
      tokenTtlSeconds: 600,
    })
    await agents.change('cp2', 'placeJoinSecret', `place-${attempt}`, { secret: uploaded.sealed[0] })
  }
  await place(1)
  return { cluster, agents, place, join: { join: joinSpec } }
}
