import type { ClusterFacts, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { type ProbeEndpointRequest, ProbeEndpointResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { sha256Hex } from '@quorate/shared/hash'
import { kubeconfigClusters, readKubeconfig } from '@quorate/shared/kubeconfig'
import { redactKubeconfig } from '@quorate/shared/redact-kubeconfig'
import { type Answers, answersOf } from './reads.js'
import { nodeName, type PaperNode, type PaperState, place } from './state.js'

/** What a node of the cluster on paper answers. */
export function paperAnswers(state: PaperState, paper: PaperNode): Answers {
  const { name: node } = paper.entry
  const own: Answers = {
    getNodeFacts: () => ({ facts: factsOf(paper) }),
    getClusterFacts: ({ find }: { find: string[] }) => ({
      facts: { ...tick(state), references: references(state, find) },
    }),
    listControlPlaneImages: () => ({ wanted: [], missing: [] }),
    renderManifests: () => ({ pods: structuredClone(state.world.rendered ?? paper.facts.staticPods) }),
    listContainers: ({ names }: { names: string[] }) => ({
      containers: names.map((one) => ({
        ...{ id: `${one}-${paper.containers.get(one)}`, name: one, state: 'running' },
        ...{ pod: `${one}-${node}`, namespace: 'kube-system' },
      })),
    }),
    listSockets: () => ({ sockets: sockets(state, paper) }),
    findReferences: ({ find }: { find: string[] }) => ({ references: linesOf(paper, find), skipped: [] }),
    resolveName: () => ({ addresses: paper.facts.hostsFile.includes('# BEGIN quorate') ? ['192.168.13.100'] : [] }),
    probeEndpoint: (probe: ProbeEndpointRequest) =>
      ProbeEndpointResponse.fromPartial(state.world.probe(node, probe) ?? meet(state, probe)),
    probeKubeconfig: ({ purpose }: { purpose: string }) => ({
      server: readKubeconfig(paper.kubeconfigs.find((one) => one.purpose === purpose)?.text ?? '', place).server,
      httpStatus: 200,
      error: '',
    }),
    probeDiscovery: () => ({
      signatureValid: state.cluster.joinTokenIds.length > 0,
      server: readKubeconfig(state.cluster.clusterInfo?.text ?? '', place).server,
      error: '',
    }),
    getOperation: () => ({ state: 'unknown' }),
    getSealingKey: () => ({ recipient: `age1${node}`, signature: Buffer.alloc(0), certificatePem: '' }),
  }
  return { ...answersOf(state.world, node), ...own }
}

function factsOf(paper: PaperNode): NodeFacts {
  const kubeconfigs = paper.kubeconfigs.map(({ purpose, path, text }) => ({
    ...{
      purpose,
      path,
      sha256: sha256Hex(text),
      server: readKubeconfig(text, place).server,
      redactedText: redactKubeconfig(text),
    },
    ...{
      mode: 0o600,
      uid: 0,
      gid: 0,
      symlink: false,
      linkTarget: '',
      problem: '',
      remedy: '',
      embeddedClientCertificate: false,
    },
    clusters: kubeconfigClusters(text, place).map((one) => ({ ...one })),
  }))
  return { ...structuredClone(paper.facts), clockUnixMs: Date.now() + paper.clockAheadMs, kubeconfigs }
}

/** Every look is a little later: leases of those that hold them have moved on. */
function tick(state: PaperState): ClusterFacts {
  state.clock += 1
  const holders = ['kube-controller-manager', 'kube-scheduler']
  state.cluster.leases = holders.map((lease) => ({
    namespace: 'kube-system',
    name: lease,
    holder: `${nodeName('k8smaster1')}_x`,
    renewedUnixMs: state.clock,
  }))
  return structuredClone(state.cluster)
}

function references(state: PaperState, find: readonly string[]) {
  const texts = {
    'configmap/kube-system/kube-proxy data.kubeconfig.conf': state.cluster.kubeProxy?.text,
    'configmap/kube-public/cluster-info data.kubeconfig': state.cluster.clusterInfo?.text,
  }
  return Object.entries(texts).flatMap(([where, text]) =>
    (text ?? '')
      .split('\n')
      .filter((line) => find.some((one) => line.includes(one)))
      .map((line) => ({ where, line: line.trim() })),
  )
}

function sockets(state: PaperState, paper: PaperNode) {
  return [...paper.connected].map(([process, server]) => {
    const { hostname, port } = new URL(server)
    return {
      process,
      peerAddress: hostname === state.file.endpoint.host ? '192.168.13.100' : hostname,
      peerPort: Number(port),
    }
  })
}

/** What answers at an address: the API server there, or by the load balancer in turns one of its backends. */
function meet(state: PaperState, { host, port }: ProbeEndpointRequest): Partial<ProbeEndpointResponse> {
  const viaBalancer = port === state.file.endpoint.port
  const balancer = [...state.nodes.values()].find((one) => one.entry.address === host) ?? state.node('k8smaster1')
  if (viaBalancer && balancer.backends.length === 0) return { reached: 'tcp', error: 'connect ECONNREFUSED' }
  const address = viaBalancer ? balancer.backends[state.turn++ % balancer.backends.length]?.address : host
  const server = [...state.nodes.values()].find((one) => one.entry.address === address)
  if (server === undefined) return { reached: 'tcp', error: 'connect EHOSTUNREACH' }
  if (port !== 6443 && !viaBalancer) return { reached: 'done', certificateSha256: `throw-away-${server.entry.name}` }
  if (!server.containers.has('kube-apiserver'))
    return { reached: 'tls', certificateSha256: `throw-away-${server.entry.name}` }
  const certificateSha256 = server === state.node('k8smaster1') ? state.certificate : `certificate-${server.entry.name}`
  return { reached: 'done', address: address ?? '', httpStatus: 200, certificateSha256, certificateSerial: '02' }
}

const linesOf = ({ kubeconfigs }: PaperNode, find: readonly string[]) =>
  kubeconfigs.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        find.some((one) => line.includes(one)) ? [{ where: `${path} line ${index + 1}`, line: line.trim() }] : [],
      ),
  )
