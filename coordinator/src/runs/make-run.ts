import { QuorateError } from '@quorate/shared/errors'
import type { ClusterFacts, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { ClusterFile, NodeEntry } from '../config/cluster-file.js'
import { decideEndpointPolicy } from '../conversion/context/endpoint-policy.js'
import type { EtcdFacts } from '../conversion/context/etcd-facts.js'
import { type MayMiss, RollCall } from '../conversion/context/roll-call.js'
import { type ConversionRun, InProcess } from '../conversion/context/run.js'
import type { ConversionStep } from '../conversion/context/step.js'
import { chooseEtcdTopology } from '../conversion/etcd/choose.js'
import { foldersToldBy, toldAgent } from '../conversion/facts/cluster-folders.js'
import { readClusterFacts, readEtcd, readNodeFacts } from '../conversion/facts/read-facts.js'
import { loadBalancerFor } from '../conversion/load-balancers/all.js'
import { conversionOrder } from '../conversion/order.js'
import { withReliedProofs } from '../conversion/proofs/relied-proofs.js'
import type { MissingNode } from '../engine/absence.js'
import type { RecordedFinding } from '../engine/recorded-finding.js'
import type { Agent } from '../fleet/agent.js'

export interface ConversionRunParts {
  readonly id: string
  readonly file: ClusterFile
  agent(node: NodeEntry): Agent
  readonly keepBackup: ConversionRun['keepBackup']
  readonly requestFolder: ConversionRun['requestFolder']
  readonly backupRecipient: string
  /** Which nodes may be missing; none unless given. */
  readonly mayMiss?: MayMiss
  /** Missing from the beginning. */
  readonly missing?: readonly MissingNode[]
  /** Errors of the plan that the operator accepted with a reason; none unless given. */
  readonly accepted?: readonly RecordedFinding[] | undefined
  /** Nodes that an earlier process of the run set aside; unset: unknown. */
  readonly returning?: readonly string[] | undefined
  /** Agents let this caller only read; false unless given. */
  readonly looksOnly?: boolean
  /** A test's replacement for the conversion's own. */
  readonly order?: readonly ConversionStep[]
}

/** How long facts of a node that this run did not touch stay valid. */
const keptMs = 10_000

/** Facts as last read. A failed read is not remembered: the next caller tries again. */
class FactCache {
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

/** The machine of that name; INTERNAL for one that the file does not name. */
const entryIn =
  (machines: readonly NodeEntry[]) =>
  (node: NodeEntry | string): NodeEntry => {
    const name = typeof node === 'string' ? node : node.name
    const entry = machines.find((one) => one.name === name)
    if (entry === undefined)
      throw new QuorateError('INTERNAL', `${name} is not a node of the cluster file`, { where: name })
    return entry
  }

function madeOnce<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** A failed choice is tried again. */
function chosenOnce<T>(choose: () => Promise<T>): () => Promise<T> {
  let chosen: T | undefined
  return async () => {
    chosen ??= await choose()
    return chosen
  }
}

/** The agents of a run's machines, observed by the roll call; those of joiners get the cluster's folders. */
function agentsOf(
  { file, agent }: ConversionRunParts,
  rollCall: RollCall,
  run: () => ConversionRun,
): (entry: NodeEntry) => Agent {
  const folders = foldersToldBy(run)
  const joining = file.controlPlanes.slice(1)
  return (entry) => {
    const heard = rollCall.heard(entry, agent(entry))
    return joining.includes(entry) ? toldAgent(heard, folders) : heard
  }
}

/** The context of one conversion: its nodes and what is known about them. */
export function makeConversionRun(parts: ConversionRunParts): ConversionRun {
  const { id, file, keepBackup, requestFolder, backupRecipient, order = conversionOrder } = parts
  const cache = new FactCache()
  const rollCall = new RollCall(parts.mayMiss ?? (() => false))
  for (const missing of parts.missing ?? []) rollCall.setAside(missing)
  const [first, ...joining] = file.controlPlanes
  if (first === undefined) throw new QuorateError('CLUSTER_FILE_INVALID', 'the cluster file names no control plane')
  const nodes = [...file.controlPlanes, ...file.workers]
  const machines = [...nodes, ...file.loadBalancer.hosts]
  const entryOf = entryIn(machines)
  const agentOf = agentsOf(parts, rollCall, () => run)
  const loadBalancer = madeOnce(() => loadBalancerFor(run))
  const run: ConversionRun = {
    ...{ id, file, first, joining, controlPlanes: file.controlPlanes },
    get workers() {
      return file.workers.filter(rollCall.answers)
    },
    get nodes() {
      return nodes.filter(rollCall.answers)
    },
    get machines() {
      return machines.filter(rollCall.answers)
    },
    absence: rollCall,
    accepted: parts.accepted ?? [],
    looksOnly: parts.looksOnly ?? false,
    mayBeBehind: (node) => parts.returning?.includes(node) ?? true,
    endpoint: file.endpoint,
    agent: (node) => agentOf(entryOf(node)),
    nodeFacts: (node): Promise<NodeFacts> =>
      cache.once(`node/${entryOf(node).name}`, () => readNodeFacts(run, entryOf(node))),
    clusterFacts: (): Promise<ClusterFacts> => cache.once('cluster', () => readClusterFacts(run)),
    etcd: (): Promise<EtcdFacts> => cache.once('etcd', () => readEtcd(run)),
    etcdTopology: chosenOnce(() => chooseEtcdTopology(run)),
    refresh: (touched) =>
      cache.forget(touched && new Set(['cluster', 'etcd', ...[...touched].map((name) => `node/${name}`)])),
    endpointPolicy: async () =>
      decideEndpointPolicy((await run.clusterFacts()).kubernetesVersion, file.policy.controlPlaneKubeconfigs),
    inProcess: new InProcess(),
    get loadBalancer() {
      return loadBalancer()
    },
    order: order.map(withReliedProofs),
    ...{ keepBackup, requestFolder, backupRecipient },
  }
  return run
}
