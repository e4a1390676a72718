import type { ClusterFile, NodeEntry } from '@quorate/coordinator/config/cluster-file'
import type { ConversionRun } from '@quorate/coordinator/conversion/context/run'
import type { Agent } from '@quorate/coordinator/fleet/agent'
import { makeConversionRun } from '@quorate/coordinator/runs/make-run'
import { requestFolder } from '@quorate/coordinator/state/request-folder'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import {
  type MeasurePathRequest,
  type ProbeEndpointRequest,
  ProbeEndpointResponse,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import { nodeNames, soundWorld, version, type World } from './world.js'

/** What a node's agent answers, by method. */
export type Answers = Readonly<Record<string, (request: never) => unknown>>

const controlPlaneImages = [`registry.k8s.io/kube-apiserver:${version}`, 'registry.k8s.io/etcd:3.7.0-0']

/** A conversion of that file as the product makes it, over these agents. */
export const runOver = (id: string, file: ClusterFile, agent: (node: NodeEntry) => Agent): ConversionRun =>
  makeConversionRun({
    ...{ id, file, agent },
    keepBackup: async (node, kind) => ({ path: `/state/backups/${node}-${kind}.age`, sha256: 'ab', bytes: 5_000 }),
    requestFolder: requestFolder({ runs: '/nowhere' }, 'paper'),
    backupRecipient: 'age1operator',
  })

/** A run over a world: reads only, so a check that tried to change something would fail. */
export function fakeRun(world: World): ConversionRun {
  const run = runOver('plan', world.file as ClusterFile, ({ name }) =>
    readingAgent(world, name, answersOf(world, name)),
  )
  const loadBalancer = { ...run.loadBalancer, check: async () => world.loadBalancerFindings }
  // Without the times of a reading: the checks of clocks take those by a clock of their own.
  const nodeFacts = async (node: NodeEntry | string) =>
    world.facts[typeof node === 'string' ? node : node.name] as NodeFacts
  return Object.defineProperties(run, { loadBalancer: { value: loadBalancer }, nodeFacts: { value: nodeFacts } })
}

/** An agent that only answers. */
export function readingAgent(world: World, node: NodeEntry['name'], answers: Answers): Agent {
  const agent: Partial<Agent> = {
    node,
    read: async (method: string, request: unknown) => (answers[method] as (request: unknown) => never)(request),
    holdPorts: async (ports, work) => {
      const inUse = (world.facts[node]?.listening ?? []).map(({ port }) => port).filter((port) => ports.includes(port))
      const listening = ports.filter((port) => !inUse.includes(port))
      return work({ listening, inUse, certificateSha256: `throw-away-${node}` })
    },
  }
  return agent as Agent
}

/** What a node of a world answers. */
export function answersOf(world: World, node: string): Answers {
  const images = () => ({ wanted: controlPlaneImages, missing: world.missingImages?.[node] ?? [] })
  return {
    getNodeFacts: () => ({
      facts: { ...world.facts[node], clockUnixMs: world.now + (world.clockOffsetMs[node] ?? 0) },
    }),
    getClusterFacts: () => ({ facts: world.cluster }),
    listEtcdMembers: () => ({
      ...structuredClone(world.etcd),
      authentication: world.etcdAuthentication ?? 'off',
      clientName: 'kube-etcd-healthcheck-client',
    }),
    listContainers: ({ names }: { names: string[] }) => ({
      containers: names.flatMap((name) => world.containers(node, name)),
    }),
    listControlPlaneImages: images,
    probeKubelets: ({ nodes }: { nodes: string[] }) => ({
      answers: nodes.map((one) => ({ node: one, httpStatus: world.unreached?.includes(one) ? 500 : 200, error: '' })),
    }),
    tryChanges: () => ({ tried: world.tried ?? [] }),
    lookAtPaths: () => ({ kinds: world.kinds?.[node] ?? {}, sha256: world.sha256?.[node] ?? {} }),
    testLoadBalancer: () => ({ refused: [] }),
    getFirewall: () =>
      world.firewall?.[node] ?? { firewalldZones: '', firewalldProblem: '', ufwActive: false, ufwFiles: {} },
    renderManifests: ({ clusterConfiguration: text }: { clusterConfiguration: string }) => ({
      pods: (world.rendered ?? soundWorld().facts[nodeNames.cp1]?.staticPods ?? []).filter(
        ({ component }) => component !== 'etcd' || !text.includes('external:'),
      ),
    }),
    listImages: () => ({ images: world.images?.[node] ?? [] }),
    findReferences: () => ({ references: world.references[node] ?? [], skipped: [] }),
    measureDisk: () => measureDisk(world, node),
    measurePath: ({ host }: MeasurePathRequest) => {
      const target = world.file.controlPlanes.find(({ address }) => address === host)
      return { bytesPerSecond: world.rates[target?.name ?? '']?.path ?? 100_000_000, error: '' }
    },
    resolveName: () => ({ addresses: world.resolves[node] ?? [] }),
    probeEndpoint: (request: ProbeEndpointRequest) =>
      ProbeEndpointResponse.fromPartial(world.probe(node, request) ?? soundProbe(world, request)),
  }
}

function measureDisk(world: World, node: string) {
  const p99Us = (world.diskMs[node] ?? 2) * 1_000
  const { disk: bytesPerSecond = 200_000_000 } = world.rates[node] ?? {}
  return { folder: '/var/lib', writes: 100, leastUs: p99Us / 4, medianUs: p99Us / 2, p99Us, bytesPerSecond }
}

/** A network in which every node of the file answers and nobody has the virtual IP. */
function soundProbe(world: World, { host }: ProbeEndpointRequest): Partial<ProbeEndpointResponse> {
  const target = [...world.file.controlPlanes, ...world.file.workers].find(({ address }) => address === host)
  if (target === undefined) return { reached: 'resolve', error: 'connect EHOSTUNREACH' }
  return { reached: 'done', address: host, certificateSha256: `throw-away-${target.name}` }
}
