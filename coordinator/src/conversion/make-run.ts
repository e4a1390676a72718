import { QuorateError } from '@quorate/shared/errors'
import type { ClusterFacts, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { ClusterFile, NodeEntry } from '../config/cluster-file.js'
import type { Agent } from '../fleet/agent.js'
import { decideEndpointPolicy } from './endpoint-policy.js'
import { readClusterFacts, readEtcd, readNodeFacts } from './fresh.js'
import { loadBalancerKinds } from './load-balancers/all.js'
import type { ConversionRun, EtcdFacts } from './run.js'

export interface ConversionRunParts {
  readonly id: string
  readonly file: ClusterFile
  agent(node: NodeEntry): Agent
  readonly keepBackup: ConversionRun['keepBackup']
  readonly backupRecipient: string
}

/** A node that this run did not touch is believed for so long. */
const keptMs = 10_000

/** Facts as last read. A read that failed is not remembered: the next asker tries again. */
class FactMemory {
  readonly #read = new Map<string, { readonly at: number; readonly reading: Promise<unknown> }>()

  once<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#read.get(key)
    if (known !== undefined) return known.reading as Promise<T>
    const reading = read()
    const kept = { at: performance.now(), reading }
    this.#read.set(key, kept)
    reading.catch(() => {
      if (this.#read.get(key) === kept) this.#read.delete(key)
    })
    return reading
  }

  forget(keys?: ReadonlySet<string>): void {
    const oldest = performance.now() - keptMs
    for (const [key, { at }] of this.#read)
      if (keys === undefined || keys.has(key) || at < oldest) this.#read.delete(key)
  }
}

/** The context of one conversion: who is who, and what is known of them. */
export function makeConversionRun({ id, file, agent, keepBackup, backupRecipient }: ConversionRunParts): ConversionRun {
  const memory = new FactMemory()
  const [first, ...joining] = file.controlPlanes
  if (first === undefined) throw new QuorateError('CLUSTER_FILE_INVALID', 'the cluster file names no control plane')
  const nodes = [...file.controlPlanes, ...file.workers]
  const entryOf = (node: NodeEntry | string): NodeEntry => {
    const name = typeof node === 'string' ? node : node.name
    const entry = nodes.find((one) => one.name === name)
    if (entry === undefined)
      throw new QuorateError('INTERNAL', `${name} is not a node of the cluster file`, { where: name })
    return entry
  }
  const run: ConversionRun = {
    id,
    file,
    first,
    joining,
    controlPlanes: file.controlPlanes,
    workers: file.workers,
    nodes,
    endpoint: file.endpoint,
    agent: (node) => agent(entryOf(node)),
    nodeFacts: (node): Promise<NodeFacts> =>
      memory.once(`node/${entryOf(node).name}`, () => readNodeFacts(run, entryOf(node))),
    clusterFacts: (): Promise<ClusterFacts> => memory.once('cluster', () => readClusterFacts(run)),
    etcd: (): Promise<EtcdFacts> => memory.once('etcd', () => readEtcd(run)),
    refresh: (touched) =>
      memory.forget(touched && new Set(['cluster', 'etcd', ...[...touched].map((name) => `node/${name}`)])),
    endpointPolicy: async () =>
      decideEndpointPolicy((await run.clusterFacts()).kubernetesVersion, file.policy.controlPlaneKubeconfigs),
    loadBalancer: loadBalancerKinds[file.loadBalancer.kind],
    keepBackup,
    backupRecipient,
  }
  return run
}
