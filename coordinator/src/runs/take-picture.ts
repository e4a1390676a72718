import type { CertificateFacts, EtcdMember, NodeFacts, SocketFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../config/cluster-file.js'
import { samePeer } from '../conversion/clients/connected.js'
import { type Elected, elected } from '../conversion/clients/elected.js'
import type { ConversionRun } from '../conversion/context/run.js'
import { readEtcd } from '../conversion/facts/read-facts.js'
import { apiServerPort } from '../conversion/facts/static-pod-flags.js'
import { isEnd, type RunEvent } from '../engine/events.js'
import type { ClusterPicture, Connection, PicturedCertificate, PicturedMember } from './cluster-picture.js'

/** A picture must not delay the run for longer. */
const deadlineMs = 5_000

interface Pictured {
  readonly run: ConversionRun
  emit(event: RunEvent): Promise<void>
}

/** The emit of a run that also records the state of the cluster before the first change and at the end. No picture ever fails a run. */
export function withPictures({ run, emit }: Pictured): Pictured['emit'] {
  const take = async (when: 'before' | 'after') => {
    const picture = await takePicture(run)
    if (picture.silent.length < run.nodes.length) await emit({ kind: 'cluster-seen', when, ...picture })
  }
  return async (event) => {
    if (isEnd(event)) await take('after').catch(() => undefined)
    await emit(event)
    if (event.kind === 'run-started') await take('before').catch(() => undefined)
  }
}

/** Connections, etcd's members, the control planes' certificates; what cannot be read is left out. */
export async function takePicture(run: ConversionRun): Promise<ClusterPicture> {
  const port = await run.nodeFacts(run.first).then(apiServerPort, () => 6443)
  const [connections, members, facts] = await Promise.all([
    Promise.all(run.nodes.map((node) => connectionsOf(run, node, port).catch(() => undefined))),
    readEtcd(run, AbortSignal.timeout(deadlineMs)).then(membersOf, () => []),
    Promise.all(run.controlPlanes.map((node) => factsNow(run, node).catch(() => undefined))),
  ])
  return {
    connections: connections.flatMap((some) => some ?? []),
    members,
    certificates: run.controlPlanes.flatMap(({ name }, index) => certificatesOf(name, facts[index])),
    backends: backendsOf(run, facts),
    silent: run.nodes.filter((_, index) => connections[index] === undefined).map(({ name }) => name),
  }
}

const components: Readonly<Record<string, string>> = {
  kubelet: 'kubelet',
  'kube-proxy': 'kube-proxy',
  ...Object.fromEntries(Object.entries<Elected>(elected).map(([component, { process }]) => [process, component])),
}

async function connectionsOf(run: ConversionRun, node: NodeEntry, port: number): Promise<readonly Connection[]> {
  const { sockets } = await run.agent(node).read('listSockets', {}, { deadlineMs })
  const seen = sockets.flatMap((socket) => {
    const [component, to] = [components[socket.process], leadsTo(run, socket, port)]
    return component === undefined || to === undefined ? [] : [{ node: node.name, component, to }]
  })
  const unique = new Map(seen.map((one) => [`${one.component} ${one.to}`, one]))
  return [...unique.values()].sort((a, b) => (a.component < b.component ? -1 : 1))
}

/** Undefined for a connection to anything but an API server: a kubelet also has incoming connections and its runtime. */
function leadsTo(run: ConversionRun, { peerAddress, peerPort }: SocketFacts, port: number): string | undefined {
  const peer = { address: peerAddress, port: peerPort }
  const server = run.controlPlanes.find(({ address }) => samePeer({ address, port }, peer))
  if (server !== undefined) return server.name
  const endpoint = { address: run.loadBalancer.address() ?? peerAddress, port: run.endpoint.port }
  return samePeer(endpoint, peer) ? 'endpoint' : undefined
}

const membersOf = ({ members }: { readonly members: readonly EtcdMember[] }): readonly PicturedMember[] =>
  members.map(({ id, name, peerUrls, learner, status }) => ({
    ...{ id, name, learner, peerUrl: peerUrls[0] ?? '' },
    leader: status !== undefined && status.leaderId === id,
    version: status?.version ?? '',
  }))

const factsNow = async (run: ConversionRun, node: NodeEntry): Promise<NodeFacts | undefined> =>
  (await run.agent(node).read('getNodeFacts', {}, { deadlineMs })).facts

const certificatesOf = (node: string, facts: NodeFacts | undefined): readonly PicturedCertificate[] =>
  (facts?.certificates ?? []).map((one) => pictured(node, one))

function backendsOf({ controlPlanes }: ConversionRun, facts: readonly (NodeFacts | undefined)[]): readonly string[] {
  const texts = facts.flatMap((one) => Object.values(one?.loadBalancerConfigs ?? {}))
  const named = new Set(texts.flatMap((text) => [...text.matchAll(/^ *server (\S+) /gm)].map(([, name]) => name)))
  return controlPlanes.map(({ name }) => name).filter((name) => named.has(name))
}

const pictured = (
  node: string,
  { path, subject, serial, sans, notAfterUnixMs, isCa }: CertificateFacts,
): PicturedCertificate => ({ node, path, subject, serial, sans, notAfter: notAfterUnixMs, ca: isCa })
