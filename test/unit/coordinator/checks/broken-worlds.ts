import type { Severity } from '@quorate/coordinator/conversion/context/finding'
import { foldersOf } from '@quorate/coordinator/conversion/facts/cluster-folders'
import {
  KubeconfigFacts,
  MachineFacts,
  type NodeFolders,
  OtherStaticPod,
  SharedFile,
  StaticPodFacts,
} from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeName } from '@quorate/shared/names'
import {
  certificate,
  clusterConfiguration,
  clusterInfoOf,
  configMap,
  container,
  joinSecond,
  member,
  nodeNames,
  nodeObject,
  pem,
  type World,
} from '../../../support/paper-cluster/world.js'

const { cp1, cp2, cp3, worker } = nodeNames

export interface BrokenWorld {
  readonly check: string
  readonly what: string
  /** `error` unless given. */
  readonly severity?: Severity
  /** Undefined: a finding of the cluster. */
  readonly node?: string
  readonly evidence: RegExp
  breaks(world: World): void
}

const facts = (world: World, node: string) => world.facts[node] as World['facts'][string]
const machine = (world: World, node: string, has: Parameters<typeof MachineFacts.fromPartial>[0]) => {
  facts(world, node).machine = MachineFacts.fromPartial(has)
}
const configuration = (world: World, extra: string) => {
  world.cluster.kubeadmConfig = configMap(clusterConfiguration(extra))
}
const flag = (world: World, component: string, from: RegExp, to: string) => {
  const pod = facts(world, cp1).staticPods.find((each) => each.component === component)
  if (pod !== undefined) pod.command = pod.command.map((word) => word.replace(from, to))
}
const folders = (world: World, node: string, changed: Partial<NodeFolders>) => {
  facts(world, node).folders = { ...foldersOf(facts(world, node)), ...changed }
}
const addFlag = (world: World, word: string) =>
  facts(world, cp1)
    .staticPods.find((each) => each.component === 'kube-apiserver')
    ?.command.push(word)
const running = (world: World, component: string, ids: readonly string[]) => {
  const sound = world.containers
  world.containers = (node, name) =>
    name === component ? ids.map((id) => container(node, name, id)) : sound(node, name)
}
const addPod = (world: World, node: string, pod: Partial<OtherStaticPod>) => {
  facts(world, node).strayManifests.push(pod.file ?? '')
  facts(world, node).otherStaticPods.push(OtherStaticPod.fromPartial(pod))
}
const withKmsPlugin = (world: World) => {
  const pod = { file: 'kms.yaml', pod: 'kms', hostPaths: ['/var/run/kmsplugin'] }
  facts(world, cp1).kmsSockets.push('/var/run/kmsplugin/socket.sock')
  addPod(world, cp1, pod)
  // Served there already, by a unit.
  facts(world, cp2).listeningUnixSockets.push('/run/kmsplugin/socket.sock')
}
/** Sizes in GiB. */
const hasDatabase = (world: World, size: number, inUse: number) =>
  Object.assign(firstMember(world).status ?? {}, { dbSizeBytes: size * 2 ** 30, dbInUseBytes: inUse * 2 ** 30 })

const firstMember = (world: World) => world.etcd.members[0] as World['etcd']['members'][number]
const shared = {
  path: '/etc/kubernetes/audit.yaml',
  sha256: 'aa',
  mode: 0o600,
  uid: 0,
  gid: 0,
  directory: false,
  component: 'kube-apiserver',
  kind: 'file',
  type: '',
  mounted: false,
  bytes: 2,
  cut: false,
  shareable: true,
}

/** CAs whose keys are not on the first control plane. */
function externalCas(world: World, names: readonly string[]): void {
  const cas = names.map((name) => ({ name, certificatePem: 'a certificate' }))
  Object.assign(facts(world, cp1), { caKeyPresent: !names.includes('ca'), externalCas: cas })
}

/** Its members on machines of their own; the cluster sound in all else. */
export function externalEtcd(world: World, members: number, named?: readonly string[]): void {
  const machines = Array.from({ length: members }, (_, index) => `10.0.0.${index + 1}`)
  const endpoints = named ?? machines.map((address) => `https://${address}:2379`)
  const text = clusterConfiguration().replace(
    /local:\n.*\n/,
    `external:\n    endpoints: ${JSON.stringify(endpoints)}\n    caFile: /a\n    certFile: /b\n    keyFile: /c\n`,
  )
  world.cluster.kubeadmConfig = configMap(text)
  const first = facts(world, cp1)
  first.staticPods
    .find(({ component }) => component === 'kube-apiserver')
    ?.command.push(`--etcd-servers=${endpoints.join(',')}`)
  first.staticPods = first.staticPods.filter(({ component }) => component !== 'etcd')
  world.rendered = structuredClone(first.staticPods)
  world.etcd.members = machines.map((address, index) => ({
    ...member({ name: `etcd${index + 1}` as NodeName, address, agent: '' }),
    id: `a${index}`,
  }))
}

/** One that answers everybody but the first control plane, to whom it would have to lead it back. */
function externalLoadBalancer(world: World): void {
  world.file.loadBalancer = {
    kind: 'external',
    hosts: [] as World['file']['loadBalancer']['hosts'],
  } as World['file']['loadBalancer']
  world.probe = (source, { host }) => {
    if (host !== 'apiserver.example.com') return undefined
    return source === cp1
      ? { reached: 'tcp', error: 'no answer within 2000 ms' }
      : { reached: 'done', httpStatus: 200, certificateSha256: `throw-away-${cp1}` }
  }
}

/** What each kind of user of the first control plane's address looks like, one of each: [what it is, its node, where, the line]. */
const users: readonly (readonly [what: string, node: string | undefined, where: string, line: string])[] = [
  ['Cilium', undefined, 'configmap/kube-system/cilium-config data.k8s-api-server', 'https://192.168.13.30:6443'],
  [
    'Calico',
    undefined,
    'configmap/tigera-operator/kubernetes-services-endpoint data.KUBERNETES_SERVICE_HOST',
    '192.168.13.30',
  ],
  ['pods', undefined, 'daemonset/x/agent container a env KUBERNETES_SERVICE_HOST', '192.168.13.30'],
  ['arguments', undefined, 'deployment/x/a container a args', '--server=https://k8smaster1.example.com:6443'],
  ['a webhook', undefined, 'mutatingwebhookconfiguration/guard webhook g', 'https://192.168.13.30:9443/v'],
  ['Prometheus', undefined, 'configmap/monitoring/prometheus data.yml', '- 192.168.13.30:6443'],
  ['a ServiceMonitor', undefined, 'scrapeconfig/monitoring/api spec', '"192.168.13.30:6443"'],
  ['endpoints by hand', undefined, 'endpointslice/default/api-x7abc endpoints', '192.168.13.30:6443'],
  ['an external name', undefined, 'service/default/api spec.externalName', 'k8smaster1.example.com'],
  ['a CNI kubeconfig', worker, '/etc/cni/net.d/calico-kubeconfig line 6', 'server: https://192.168.13.30:6443'],
  [
    'a drop-in',
    worker,
    '/etc/systemd/system/backup.service.d/x.conf line 2',
    'Environment=API=https://192.168.13.30:6443',
  ],
  ['an environment file', worker, '/etc/default/exporter line 1', 'ARGS=--api=https://192.168.13.30:6443'],
  ['a static pod', worker, '/etc/kubernetes/manifests/x.yaml line 9', '- --master=https://192.168.13.30:6443'],
]
const oldAddressUsers = users.map(
  ([what, node, where, line]): BrokenWorld => ({
    check: 'old-address-users',
    what,
    severity: 'warning',
    ...(node === undefined ? {} : { node }),
    evidence: new RegExp(line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')),
    breaks: (w) => {
      if (node === undefined) w.cluster.references.push({ where, line })
      else w.references[node] = [{ where, line }]
    },
  }),
)

/** One broken thing each, and where it must be found. */
export const brokenWorlds: readonly BrokenWorld[] = [
  {
    check: 'not-kubeadm',
    what: 'k3s',
    node: cp1,
    evidence: /^k3s$/,
    breaks: (w) => Object.assign(facts(w, cp1), { otherDistribution: 'k3s' }),
  },
  {
    check: 'not-kubeadm',
    what: 'no static pods',
    node: cp1,
    evidence: /no manifest of kube-apiserver/,
    breaks: (w) => Object.assign(facts(w, cp1), { staticPods: [] }),
  },
  {
    check: 'not-kubeadm',
    what: 'no kubeadm-config',
    evidence: /kubeadm-config: not found/,
    breaks: (w) => Object.assign(w.cluster, { kubeadmConfig: undefined }),
  },
  {
    check: 'already-highly-available',
    what: 'a control plane that the file does not name',
    node: 'other',
    evidence: /Node other .*192\.168\.13\.40/,
    breaks: (w) => w.cluster.nodes.push(nodeObject({ name: 'other', address: '192.168.13.40' }, true)),
  },
  {
    check: 'already-highly-available',
    what: 'its control planes are joined behind another endpoint',
    evidence: /controlPlaneEndpoint: vip\.example\.com:6443/,
    breaks: (w) => configuration(joinSecond(w), 'controlPlaneEndpoint: vip.example.com:6443\n'),
  },
  {
    check: 'etcd-topology',
    what: 'external etcd of one member',
    severity: 'warning',
    evidence: /etcd1 https:\/\/10\.0\.0\.1:2379/,
    breaks: (w) => externalEtcd(w, 1),
  },
  {
    check: 'etcd-topology',
    what: 'external etcd of an even number',
    severity: 'warning',
    evidence: /etcd4 https:\/\/10\.0\.0\.4:2379/,
    breaks: (w) => externalEtcd(w, 4),
  },
  {
    check: 'etcd-topology',
    what: 'three members on two machines',
    severity: 'warning',
    evidence: /etcd3/,
    breaks: (w) => {
      externalEtcd(w, 3)
      const [first, , third] = w.etcd.members
      if (first && third) third.peerUrls = [...first.peerUrls]
    },
  },
  {
    check: 'etcd-topology',
    what: 'API servers that know one of three members',
    severity: 'warning',
    evidence: /endpoints https:\/\/10\.0\.0\.1:2379$/,
    breaks: (w) => externalEtcd(w, 3, ['https://10.0.0.1:2379']),
  },
  {
    check: 'etcd-topology',
    what: 'an API server that uses another etcd than kubeadm-config says',
    node: cp1,
    evidence: /--etcd-servers=https:\/\/10\.0\.0\.9:2379; .*10\.0\.0\.1:2379/,
    breaks: (w) => {
      externalEtcd(w, 3)
      flag(w, 'kube-apiserver', /^--etcd-servers=.*/, '--etcd-servers=https://10.0.0.9:2379')
    },
  },
  {
    check: 'etcd-topology',
    what: 'an external etcd that every API server would look for on its own machine',
    evidence: /https:\/\/127\.0\.0\.1:2379/,
    breaks: (w) => externalEtcd(w, 3, ['https://127.0.0.1:2379']),
  },
  {
    check: 'reachability',
    what: 'a joiner that does not reach the external etcd',
    node: cp2,
    evidence: /10\.0\.0\.2:2379/,
    breaks: (w) => {
      externalEtcd(w, 3)
      w.probe = (source, { host }) => {
        if (!host.startsWith('10.')) return undefined
        const isDeaf = source === cp2 && host === '10.0.0.2'
        return isDeaf ? { reached: 'resolve', error: 'connect EHOSTUNREACH' } : { reached: 'done' }
      }
    },
  },
  {
    check: 'ca-key',
    what: 'an external CA: what a joiner needs of it',
    severity: 'warning',
    node: cp2,
    evidence: /pki\/ca\.key: no such file; by the cluster's CA: apiserver, .*kubelet\.conf$/,
    breaks: (w) => externalCas(w, ['ca']),
  },
  {
    check: 'ca-key',
    what: 'an external CA: the names that the first certificate lacks',
    severity: 'warning',
    node: cp1,
    evidence: /by the cluster's CA: apiserver$/,
    breaks: (w) => externalCas(w, ['ca']),
  },
  {
    check: 'ca-key',
    what: "etcd's CA external, the cluster's not",
    severity: 'warning',
    node: cp2,
    evidence: /by etcd's CA: apiserver-etcd-client, etcd-server, etcd-peer, etcd-healthcheck-client$/,
    breaks: (w) => externalCas(w, ['etcd/ca']),
  },
  {
    check: 'ca-key',
    what: 'neither key nor certificate of the CA',
    node: cp1,
    evidence: /ca\.crt: no such file/,
    breaks: (w) => Object.assign(facts(w, cp1), { caKeyPresent: false }),
  },
  {
    check: 'anonymous-auth',
    what: "anonymous requests refused, and the joiners' probes would be",
    node: cp1,
    evidence: /readyz/,
    breaks: (w) => Object.assign(w.cluster, { anonymousReadyz: false }),
  },
  {
    check: 'anonymous-auth',
    what: 'anonymous requests refused, the probes patched',
    severity: 'info',
    node: cp1,
    evidence: /readyz/,
    breaks: (w) => {
      Object.assign(w.cluster, { anonymousReadyz: false })
      facts(w, cp1).sharedFiles.push(
        SharedFile.fromPartial({ path: '/etc/kubernetes/patches/kube-apiserver+json.yaml', sha256: 'ab' }),
      )
    },
  },
  {
    check: 'anonymous-auth',
    what: 'cluster-info refused',
    severity: 'info',
    node: cp1,
    evidence: /cluster-info/,
    breaks: (w) => Object.assign(w.cluster, { clusterInfoRefused: true }),
  },
  {
    check: 'control-planes-alike',
    what: 'an encryption configuration that kubeadm does not know of',
    node: cp1,
    evidence: /--encryption-provider-config=/,
    breaks: (w) => addFlag(w, '--encryption-provider-config=/etc/kubernetes/enc.yaml'),
  },
  {
    check: 'control-planes-alike',
    what: 'another flag of the manifest alone',
    node: cp1,
    evidence: /--profiling=false; kubeadm would write: absent/,
    breaks: (w) => addFlag(w, '--profiling=false'),
  },
  {
    check: 'control-planes-alike',
    what: 'two that are there differ',
    node: cp2,
    evidence: /--v=4; k8smaster1.example.com: absent/,
    breaks: (w) => joinSecond(w).facts[cp2]?.staticPods[2]?.command.push('--v', '4'),
  },
  {
    check: 'control-planes-alike',
    what: 'a kubelet that is configured by hand',
    node: cp1,
    evidence: /maxPods: 200; configmap.*: absent/,
    breaks: (w) => {
      Object.assign(facts(w, cp1), {
        kubeletConfig: 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 200\n',
      })
      w.cluster.kubeletConfig = configMap('apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n')
    },
  },
  {
    check: 'kubeadm-config-version',
    what: 'a version that does not run any more',
    evidence: /line 9: kubernetesVersion: v1.36.3; API server v1.37.2/,
    breaks: (w) => {
      w.cluster.kubeadmConfig = configMap(clusterConfiguration().replace('v1.37.2', 'v1.36.3'))
    },
  },
  {
    check: 'kube-proxy-absent',
    what: 'replaced by the network plugin',
    severity: 'info',
    evidence: /kube-proxy: not found/,
    breaks: (w) => Object.assign(w.cluster, { kubeProxy: undefined, kubeProxyRollout: undefined }),
  },
  {
    check: 'agent-versions',
    what: 'an agent that is too old',
    node: cp2,
    evidence: /0\.0\.9/,
    breaks: (w) => Object.assign(facts(w, cp2), { agentVersion: '0.0.9' }),
  },
  {
    check: 'agent-versions',
    what: 'another build of this release',
    severity: 'warning',
    node: cp2,
    evidence: /0\.1\.0-rc\.1/,
    breaks: (w) => Object.assign(facts(w, cp2), { agentVersion: '0.1.0-rc.1' }),
  },
  {
    check: 'agent-versions',
    what: 'a newer agent',
    node: cp2,
    evidence: /agent 0\.2\.0/,
    breaks: (w) => Object.assign(facts(w, cp2), { agentVersion: '0.2.0' }),
  },
  {
    check: 'agent-versions',
    what: 'an agent without a version',
    node: cp2,
    evidence: /facts schema 1/,
    breaks: (w) => Object.assign(facts(w, cp2), { agentVersion: '' }),
  },
  {
    check: 'agent-versions',
    what: 'another schema',
    node: cp2,
    evidence: /schema 2/,
    breaks: (w) => Object.assign(facts(w, cp2), { schemaVersion: 2 }),
  },
  {
    check: 'agent-certificates',
    what: 'two weeks and no renewal',
    severity: 'warning',
    node: cp2,
    evidence: /valid until \d{4}-/,
    breaks: (w) => Object.assign(facts(w, cp2), { agentCertificateUntilUnixMs: w.now + 14 * 86_400_000 }),
  },
  {
    check: 'clocks',
    what: 'two seconds ahead',
    severity: 'warning',
    node: cp2,
    evidence: /offset 2\.0 s/,
    breaks: (w) => Object.assign(w.clockOffsetMs, { [cp2]: 2_000 }),
  },
  {
    check: 'clocks',
    what: 'a minute behind',
    node: cp3,
    evidence: /offset -60\.0 s/,
    breaks: (w) => Object.assign(w.clockOffsetMs, { [cp3]: -60_000 }),
  },
  {
    check: 'clocks',
    what: 'each within the limit, but not of one another',
    node: cp2,
    evidence: /20\.0 s.*-20\.0 s/,
    breaks: (w) => Object.assign(w.clockOffsetMs, { [cp2]: 20_000, [cp3]: -20_000 }),
  },
  {
    check: 'clocks',
    what: 'no time source',
    severity: 'warning',
    node: worker,
    evidence: /NTPSynchronized=no/,
    breaks: (w) => Object.assign(facts(w, worker), { clockSynchronised: false }),
  },
  {
    check: 'names',
    what: 'another name in the cluster',
    node: worker,
    evidence: /system:node:worker-one/,
    breaks: (w) => Object.assign(facts(w, worker), { nodeName: 'worker-one' }),
  },
  {
    check: 'names',
    what: 'a worker that is in no cluster',
    node: worker,
    evidence: /\(none\)/,
    breaks: (w) => Object.assign(facts(w, worker), { nodeName: '' }),
  },
  {
    check: 'names',
    what: "the endpoint is a node's name",
    node: cp1,
    evidence: /endpoint k8smaster1/,
    breaks: (w) => Object.assign(w.file.endpoint, { host: cp1 }),
  },
  {
    check: 'addresses',
    what: 'on no interface',
    node: cp2,
    evidence: /eth0 10\.0\.2\.15\/24/,
    breaks: (w) => Object.assign(facts(w, cp2).interfaces[1] ?? {}, { addresses: ['10.0.2.15/24'] }),
  },
  {
    check: 'addresses',
    what: 'advertised is another',
    node: cp1,
    evidence: /--advertise-address=10\.0\.2\.15/,
    breaks: (w) => flag(w, 'kube-apiserver', /192\.168\.13\.30/, '10.0.2.15'),
  },
  {
    check: 'addresses',
    what: 'InternalIP is another',
    node: cp1,
    evidence: /InternalIP 10\.0\.2\.15/,
    breaks: (w) => Object.assign(w.cluster.nodes[0] ?? {}, { internalIps: ['10.0.2.15'] }),
  },
  {
    check: 'addresses',
    what: "a worker's InternalIP is another",
    severity: 'warning',
    node: worker,
    evidence: /InternalIP 10\.0\.2\.15/,
    breaks: (w) => Object.assign(w.cluster.nodes[1] ?? {}, { internalIps: ['10.0.2.15'] }),
  },
  {
    check: 'addresses',
    what: 'dual stack, and a joiner of one family',
    severity: 'warning',
    node: cp3,
    evidence: /InternalIP 192\.168\.13\.30, fd00:13::30; here .*192\.168\.13\.32\/24/,
    breaks: (w) => {
      Object.assign(w.cluster.nodes[0] ?? {}, { internalIps: ['192.168.13.30', 'fd00:13::30'] })
      facts(w, cp2).interfaces[1]?.addresses.push('fe80::1/64', 'fd00:13::31/64')
      facts(w, cp3).interfaces[1]?.addresses.push('fe80::1/64')
    },
  },
  {
    check: 'duplicate-identity',
    what: 'hostname',
    node: cp3,
    evidence: new RegExp(cp2),
    breaks: (w) => Object.assign(facts(w, cp3), { hostname: cp2.toUpperCase() }),
  },
  {
    check: 'duplicate-identity',
    what: 'MAC address',
    node: cp3,
    evidence: /52:54:00:00:00:31/,
    breaks: (w) => Object.assign(facts(w, cp3).interfaces[1] ?? {}, { mac: '52:54:00:00:00:31' }),
  },
  {
    check: 'duplicate-identity',
    what: 'machine-id',
    severity: 'warning',
    node: cp3,
    evidence: /machine-31/,
    breaks: (w) => Object.assign(facts(w, cp3), { machineId: 'machine-31' }),
  },
  {
    check: 'duplicate-identity',
    what: 'product_uuid',
    severity: 'warning',
    node: worker,
    evidence: /uuid-30/,
    breaks: (w) => Object.assign(facts(w, worker), { productUuid: 'UUID-30' }),
  },
  {
    check: 'workers-forgotten',
    what: 'the cluster has one more',
    node: 'k8sworker2',
    evidence: /Node k8sworker2/,
    breaks: (w) => w.cluster.nodes.push(nodeObject({ name: 'k8sworker2', address: '192.168.13.36' }, false)),
  },
  {
    check: 'workers-forgotten',
    what: 'the file has one more',
    node: worker,
    evidence: /Nodes: k8smaster1/,
    breaks: (w) => w.cluster.nodes.pop(),
  },
  {
    check: 'nodes-ready',
    what: 'a worker is not',
    node: worker,
    evidence: /last heartbeat 2026-11-22/,
    breaks: (w) => Object.assign(w.cluster.nodes[1] ?? {}, { ready: false }),
  },
  {
    check: 'kubernetes-versions',
    what: 'no kubeadm on a joiner',
    node: cp2,
    evidence: /kubeadm \(none\); API server v1\.37\.2/,
    breaks: (w) => Object.assign(facts(w, cp2), { kubeadmVersion: '' }),
  },
  {
    check: 'kubernetes-versions',
    what: 'another patch of kubeadm',
    node: cp2,
    evidence: /kubeadm v1\.37\.1/,
    breaks: (w) => Object.assign(facts(w, cp2), { kubeadmVersion: 'v1.37.1' }),
  },
  {
    check: 'kubernetes-versions',
    what: 'a newer kubelet',
    node: cp3,
    evidence: /kubelet v1\.38\.0/,
    breaks: (w) => Object.assign(facts(w, cp3), { kubeletVersion: 'v1.38.0' }),
  },
  {
    check: 'kubernetes-versions',
    what: 'an older kubeadm on the first',
    node: cp1,
    evidence: /kubeadm v1\.36\.0/,
    breaks: (w) => Object.assign(facts(w, cp1), { kubeadmVersion: 'v1.36.0' }),
  },
  {
    check: 'kubernetes-versions',
    what: 'a newer worker',
    severity: 'warning',
    node: worker,
    evidence: /kubelet v1\.38\.0/,
    breaks: (w) => Object.assign(facts(w, worker), { kubeletVersion: 'v1.38.0' }),
  },
  {
    check: 'etcd-health',
    what: 'a member that never started',
    evidence: /name \(none\)/,
    breaks: (w) =>
      w.etcd.members.push({ ...member({ name: 'x', address: '192.168.13.39', agent: '' } as never), name: '' }),
  },
  {
    check: 'etcd-health',
    what: 'a stranger',
    evidence: /name stranger/,
    breaks: (w) => w.etcd.members.push(member({ name: 'stranger', address: '192.168.13.39', agent: '' } as never)),
  },
  {
    check: 'etcd-health',
    what: 'a learner',
    node: cp1,
    evidence: /learner true/,
    breaks: (w) => Object.assign(firstMember(w), { learner: true }),
  },
  {
    check: 'etcd-health',
    what: 'a member that does not answer',
    node: cp1,
    evidence: /no answer/,
    breaks: (w) => Object.assign(firstMember(w), { status: undefined }),
  },
  {
    check: 'etcd-health',
    what: 'a voter that believes to learn',
    node: cp1,
    evidence: /its own status: learner/,
    breaks: (w) => Object.assign(firstMember(w).status ?? {}, { learner: true }),
  },
  {
    check: 'etcd-health',
    what: 'errors',
    node: cp1,
    evidence: /memberID:1/,
    breaks: (w) => Object.assign(firstMember(w).status ?? {}, { errors: ['memberID:1 alarm:CORRUPT'] }),
  },
  {
    check: 'etcd-health',
    what: 'another cluster',
    node: cp1,
    evidence: /its cluster ff/,
    breaks: (w) => Object.assign(firstMember(w).status ?? {}, { clusterId: 'ff' }),
  },
  { check: 'etcd-health', what: 'an alarm', evidence: /NOSPACE/, breaks: (w) => w.etcd.alarms.push('NOSPACE') },
  {
    check: 'proxies',
    what: 'a kubelet that asks a proxy for the endpoint',
    node: worker,
    evidence:
      /^\/etc\/systemd\/system\/kubelet\.service\.d\/proxy\.conf: .*NO_PROXY=192\.168\.13\.0\/24,\.cluster\.local$/,
    breaks: (world) => {
      const where = '/etc/systemd/system/kubelet.service.d/proxy.conf'
      facts(world, worker).proxies = [{ program: 'kubelet', where, noProxy: '192.168.13.0/24,.cluster.local' }]
    },
  },
  {
    check: 'etcd-addresses',
    what: 'clients only from localhost',
    node: cp1,
    evidence: /--listen-client-urls=https:\/\/127\.0\.0\.1:2379$/,
    breaks: (w) => flag(w, 'etcd', /(--listen-client-urls=[^,]*),.*/, '$1'),
  },
  {
    check: 'etcd-addresses',
    what: 'members only from localhost',
    node: cp1,
    evidence: /--listen-peer-urls=https:\/\/127\.0\.0\.1:2380$/,
    breaks: (w) => flag(w, 'etcd', /--listen-peer-urls=.*/, '--listen-peer-urls=https://127.0.0.1:2380'),
  },
  {
    check: 'etcd-addresses',
    what: 'clients only from localhost, certificates for nothing else, and nobody to sign new ones',
    node: cp1,
    evidence: /--listen-client-urls=https:\/\/127\.0\.0\.1:2379$/,
    breaks: (w) => {
      Object.assign(w.file.policy, { letEtcdListen: true })
      flag(w, 'etcd', /(--listen-client-urls=[^,]*),.*/, '$1')
      externalCas(w, ['etcd/ca'])
      facts(w, cp1).certificates.push(certificate('/etc/kubernetes/pki/etcd/server.crt', 300))
    },
  },
  {
    check: 'etcd-addresses',
    what: 'a peer URL of a restored cluster',
    node: cp1,
    evidence: /peer URLs http:\/\/localhost:2380/,
    breaks: (w) => Object.assign(firstMember(w), { peerUrls: ['http://localhost:2380'] }),
  },
  {
    check: 'etcd-addresses',
    what: 'a member of another name',
    node: cp1,
    evidence: /members: default/,
    breaks: (w) => Object.assign(firstMember(w), { name: 'default' }),
  },
  {
    check: 'certificate-expiry',
    what: 'expired',
    node: cp1,
    evidence: /apiserver\.crt.*to 2026-11-2/,
    breaks: (w) => facts(w, cp1).certificates.splice(1, 1, certificate('/etc/kubernetes/pki/apiserver.crt', -0.5)),
  },
  {
    check: 'certificate-expiry',
    what: 'the CA ends soon',
    severity: 'warning',
    node: cp1,
    evidence: /ca\.crt/,
    breaks: (w) => facts(w, cp1).certificates.splice(0, 1, certificate('/etc/kubernetes/pki/ca.crt', 20, true)),
  },
  {
    check: 'certificate-expiry',
    what: 'not valid yet',
    node: worker,
    evidence: /kubelet-client/,
    breaks: (w) => Object.assign(facts(w, worker).certificates[0] ?? {}, { notBeforeUnixMs: w.now + 1000 }),
  },
  {
    check: 'certificate-expiry',
    what: 'one that nothing uses',
    severity: 'info',
    node: cp1,
    evidence: /apiserver-old\.crt/,
    breaks: (w) => facts(w, cp1).certificates.push(certificate('/etc/kubernetes/pki/apiserver-old.crt', -100)),
  },
  {
    check: 'admin-kubeconfig',
    what: 'moved away',
    node: cp1,
    evidence: /admin\.conf: no such file/,
    breaks: (w) => facts(w, cp1).kubeconfigs.pop(),
  },
  {
    check: 'not-kubeadm',
    what: 'a manifest that is a link',
    node: cp1,
    evidence: /kube-scheduler\.yaml -> \/srv\/scheduler\.yaml/,
    breaks: (w) => {
      facts(w, cp1).staticPods = facts(w, cp1).staticPods.filter(({ component }) => component !== 'kube-scheduler')
      facts(w, cp1).manifestProblems.push({
        ...{ component: 'kube-scheduler', path: '/etc/kubernetes/manifests/kube-scheduler.yaml' },
        ...{ problem: 'symlink', remedy: '', linkTarget: '/srv/scheduler.yaml' },
      })
    },
  },
  {
    check: 'kubeconfigs',
    what: 'a cluster that is not the current one',
    severity: 'warning',
    node: worker,
    evidence: /\/root\/\.kube\/config line 5: https:\/\/192\.168\.13\.30:6443/,
    breaks: (w) =>
      facts(w, worker).kubeconfigs.push(
        KubeconfigFacts.fromPartial({
          ...{ path: '/root/.kube/config', purpose: 'user' },
          clusters: [{ name: 'prod', server: 'https://192.168.13.30:6443', line: 5 }],
        }),
      ),
  },
  {
    check: 'proxies',
    what: 'a proxy-url of the kubelet',
    node: worker,
    evidence: /kubelet\.conf line 6: proxy-url/,
    breaks: (w) =>
      Object.assign(facts(w, worker).kubeconfigs[0] ?? {}, {
        clusters: [
          { name: 'default-cluster', server: 'https://192.168.13.30:6443', line: 7, inUse: true, proxyLine: 6 },
        ],
      }),
  },
  {
    check: 'readable-config-maps',
    what: 'kubelet-config without its key',
    evidence: /configmap\/kube-system\/kubelet-config: no key kubelet/,
    breaks: (w) => {
      w.cluster.kubeletConfig = { ...configMap(''), present: false }
    },
  },
  {
    check: 'readable-config-maps',
    what: "kube-proxy's kubeconfig with a tab",
    evidence: /configmap\/kube-system\/kube-proxy: kubeconfig\.conf, line 2: a tab/,
    breaks: (w) => {
      w.cluster.kubeProxy = configMap('clusters:\n\t- name: a\n')
    },
  },
  {
    check: 'readable-texts',
    what: "a kubelet's configuration that is none",
    node: worker,
    evidence: /\/var\/lib\/kubelet\/config\.yaml, line 1/,
    breaks: (w) =>
      facts(w, worker).unread.push({
        ...{ what: "the kubelet's configuration", problem: '/var/lib/kubelet/config.yaml, line 1: none' },
        ...{ remedy: 'On that node: vi it.', needed: true },
      }),
  },
  {
    check: 'readable-texts',
    what: 'facts that the agent could not read',
    severity: 'warning',
    node: cp2,
    evidence: /input\/output error/,
    breaks: (w) =>
      facts(w, cp2).unread.push({ what: 'disks', problem: 'input/output error', remedy: '', needed: false }),
  },
  {
    check: 'kubeconfigs',
    what: 'unreadable',
    node: worker,
    evidence: /bad indentation/,
    breaks: (w) =>
      Object.assign(facts(w, worker).kubeconfigs[0] ?? {}, { problem: 'bad indentation', remedy: 'vi it.' }),
  },
  {
    check: 'kubeconfigs',
    what: 'a link',
    node: cp1,
    evidence: /symlink/,
    breaks: (w) => Object.assign(facts(w, cp1).kubeconfigs[0] ?? {}, { symlink: true }),
  },
  {
    check: 'kubeconfigs',
    what: 'a certificate inside',
    node: worker,
    evidence: /client-certificate-data/,
    breaks: (w) => Object.assign(facts(w, worker).kubeconfigs[0] ?? {}, { embeddedClientCertificate: true }),
  },
  {
    check: 'cluster-folders',
    what: 'another folder of certificates than kubeadm-config says',
    node: cp1,
    evidence: /certificatesDir: \/etc\/kubernetes\/pki; manifests of \S+: \/etc\/ssl\/k8s/,
    breaks: (w) => folders(w, cp1, { certificatesDir: '/etc/ssl/k8s' }),
  },
  {
    check: 'cluster-folders',
    what: 'another folder of data than kubeadm-config says',
    node: cp1,
    evidence: /etcd\.local\.dataDir: \/var\/lib\/etcd; manifests of \S+: \/data\/etcd/,
    breaks: (w) => folders(w, cp1, { etcdDataDir: '/data/etcd' }),
  },
  {
    check: 'cluster-folders',
    what: 'a folder that others can lead elsewhere',
    node: worker,
    evidence: /others than root may write/,
    breaks: (w) => folders(w, worker, { problem: '"/data/pki" lies below /data, where others than root may write' }),
  },
  {
    check: 'cluster-folders',
    what: 'static pods that kubeadm writes elsewhere',
    evidence: /staticPodPath: \/etc\/kubelet\.d/,
    breaks: (w) => {
      w.cluster.kubeletConfig = configMap(
        'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nstaticPodPath: /etc/kubelet.d/\n',
      )
    },
  },
  {
    check: 'kubelet-kubeconfig',
    what: 'a joiner whose kubelet reads another file',
    node: cp2,
    evidence: /20-site\.conf: --kubeconfig=\/var\/lib\/kubelet\/kubeconfig/,
    breaks: (w) =>
      folders(w, cp2, {
        kubeletKubeconfig: '/var/lib/kubelet/kubeconfig',
        kubeletKubeconfigSetIn: '/etc/systemd/system/kubelet.service.d/20-site.conf',
      }),
  },
  {
    check: 'stray-manifests',
    what: 'a backup copy',
    node: cp1,
    evidence: /manifests\/kube-apiserver\.yaml\.bak/,
    breaks: (w) => addPod(w, cp1, { file: 'kube-apiserver.yaml.bak', pod: 'kube-apiserver' }),
  },
  {
    check: 'stray-manifests',
    what: 'what is no pod',
    node: cp1,
    evidence: /manifests\/notes\.yaml: its kind is not Pod/,
    breaks: (w) => addPod(w, cp1, { file: 'notes.yaml', problem: 'its kind is not Pod' }),
  },
  {
    check: 'stray-manifests',
    what: 'a pod of the operator',
    severity: 'warning',
    node: cp1,
    evidence: /pod backup, registry\.example\.com\/backup:1/,
    breaks: (w) => addPod(w, cp1, { file: 'backup.yaml', pod: 'backup', images: ['registry.example.com/backup:1'] }),
  },
  {
    check: 'stray-manifests',
    what: 'a KMS plugin, which stays',
    severity: 'info',
    node: cp1,
    evidence: /manifests\/kms\.yaml: pod kms/,
    breaks: withKmsPlugin,
  },
  {
    check: 'stray-manifests',
    what: 'a KMS plugin that a joiner lacks',
    node: cp3,
    evidence: /k8smaster1\.example\.com: \/etc\/kubernetes\/manifests\/kms\.yaml; here: no such static pod/,
    breaks: withKmsPlugin,
  },
  {
    check: 'etcd-authentication',
    what: 'kubeadm is no user',
    node: cp1,
    evidence: /AuthStatus as kube-etcd-healthcheck-client: etcdserver: user name not found/,
    breaks: (w) => Object.assign(w, { etcdAuthentication: 'etcdserver: user name not found' }),
  },
  {
    check: 'etcd-authentication',
    what: 'kubeadm has the role root',
    severity: 'info',
    evidence: /enabled/,
    breaks: (w) => Object.assign(w, { etcdAuthentication: 'root' }),
  },
  {
    check: 'package-holds',
    what: 'unattended-upgrades, nothing held',
    severity: 'warning',
    node: cp2,
    evidence: /not held: kubeadm 1\.37\.2-1\.1, kubelet 1\.37\.2-1\.1/,
    breaks: (w) =>
      Object.assign(facts(w, cp2), {
        automaticUpgrades: 'unattended-upgrades',
        packages: [
          { name: 'kubeadm', version: '1.37.2-1.1', held: false },
          { name: 'kubelet', version: '1.37.2-1.1', held: false },
          { name: 'kubectl', version: '1.37.2-1.1', held: true },
          { name: 'containerd', version: '1.7.2-1', held: false },
        ],
      }),
  },
  {
    check: 'apparmor',
    what: 'a profile that does not let haproxy read its configuration',
    severity: 'warning',
    node: cp1,
    evidence: /profile \/usr\/sbin\/haproxy \(enforce\), \/etc\/apparmor\.d\/usr\.sbin\.haproxy has no rule/,
    breaks: (w) =>
      facts(w, cp1).apparmorProfiles.push({
        ...{ name: '/usr/sbin/haproxy', mode: 'enforce', file: '/etc/apparmor.d/usr.sbin.haproxy' },
        rules: ['/etc/haproxy/conf.d/* r'],
      }),
  },
  {
    check: 'apparmor',
    what: 'a static pod under a profile that a joiner lacks',
    node: cp2,
    evidence: /localhost\/k8s-apiserver/,
    breaks: (w) => Object.assign(facts(w, cp1).staticPods[0] ?? {}, { apparmorProfile: 'k8s-apiserver' }),
  },
  {
    check: 'feature-gates',
    what: 'one that is gone',
    evidence: /ControlPlaneKubeletLocalMode: true/,
    breaks: (w) => configuration(w, 'featureGates:\n  ControlPlaneKubeletLocalMode: true\n'),
  },
  {
    check: 'shared-extra-args',
    what: 'v1beta4',
    evidence: /controllerManager\.extraArgs, line \d+ of ClusterConfiguration: bind-address: 192\.168\.13\.30/,
    breaks: (w) =>
      configuration(w, 'controllerManager:\n  extraArgs:\n  - name: bind-address\n    value: 192.168.13.30\n'),
  },
  {
    check: 'shared-extra-args',
    what: 'v1beta3',
    evidence: /bind-address: 192/,
    breaks: (w) => configuration(w, 'scheduler:\n  extraArgs:\n    bind-address: 192.168.13.30\n'),
  },
  {
    check: 'shared-component-config',
    what: 'an address of the first node',
    evidence: /kubelet-config, line 4 of kubelet: address: 192\.168\.13\.30/,
    breaks: (w) => {
      w.cluster.kubeletConfig = configMap(
        'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncgroupDriver: systemd\naddress: 192.168.13.30\n',
      )
    },
  },
  {
    check: 'endpoint-replaced',
    what: 'another endpoint',
    severity: 'warning',
    evidence: /old\.example\.com:6443/,
    breaks: (w) => configuration(w, 'controlPlaneEndpoint: old.example.com:6443\n'),
  },
  {
    check: 'disk',
    what: 'no room for etcd',
    node: cp2,
    evidence: /\/var\/lib\/etcd is on \/: 1\.0 GiB free of 40\.0 GiB/,
    breaks: (w) => Object.assign(facts(w, cp2).disks[0] ?? {}, { freeBytes: 2 ** 30 }),
  },
  {
    check: 'disk',
    what: 'a database too large for the backup',
    node: cp1,
    evidence: /quorate-agent is on \//,
    breaks: (w) => Object.assign(firstMember(w).status ?? {}, { dbSizeBytes: 7 * 2 ** 30 }),
  },
  {
    check: 'etcd-size',
    what: 'a large database, of which half is free pages',
    severity: 'info',
    node: cp2,
    evidence:
      /to k8smaster2.example.com 100 MB\/s; disk of k8smaster2.example.com \(\/var\/lib\) 200 MB\/s; in use 1\.0 GiB of 2\.0 GiB/,
    breaks: (w) => hasDatabase(w, 2, 1),
  },
  {
    check: 'etcd-size',
    what: 'a large database and a slow path, to a kubeadm with a fixed deadline',
    severity: 'warning',
    node: cp3,
    evidence: /to k8smaster3.example.com 12 MB\/s/,
    breaks: (w) => {
      hasDatabase(w, 2, 2)
      for (const node of [cp2, cp3]) Object.assign(facts(w, node), { kubeadmConfigApi: 'v1beta3' })
      Object.assign(w.rates, { [cp3]: { path: 12_000_000 } })
    },
  },
  {
    check: 'etcd-size',
    what: 'a large database and a disk that is too slow for it',
    node: cp2,
    evidence: /disk of k8smaster2.example.com \(\/var\/lib\) 2 MB\/s/,
    breaks: (w) => {
      hasDatabase(w, 4, 4)
      Object.assign(w.rates, { [cp2]: { disk: 2_000_000 } })
    },
  },
  {
    check: 'disk',
    what: 'read-only',
    node: worker,
    evidence: /\/etc is on \/etc: .*read-only/,
    breaks: (w) =>
      facts(w, worker).disks.push({ path: '/etc', freeBytes: 2 ** 40, sizeBytes: 2 ** 40, readOnly: true }),
  },
  {
    check: 'joiners-clean',
    what: 'belongs to a cluster',
    node: cp2,
    evidence: /system:node:old-name/,
    breaks: (w) => Object.assign(facts(w, cp2), { nodeName: 'old-name' }),
  },
  {
    check: 'joiners-clean',
    what: 'leftovers',
    node: cp2,
    evidence: /admin\.conf/,
    breaks: (w) => facts(w, cp2).leftovers.push('/etc/kubernetes/admin.conf'),
  },
  {
    check: 'joiners-clean',
    what: 'static pods',
    node: cp3,
    evidence: /^etcd$/,
    breaks: (w) => facts(w, cp3).staticPods.push(StaticPodFacts.fromPartial({ component: 'etcd' })),
  },
  {
    check: 'joiners-clean',
    what: 'a Ready Node of that name',
    node: cp2,
    evidence: /ready true, control plane false/,
    breaks: (w) => w.cluster.nodes.push(nodeObject({ name: cp2, address: '192.168.13.31' }, false)),
  },
  {
    check: 'joiners-clean',
    what: 'a Node of a join that did not end',
    node: cp2,
    evidence: /ready false/,
    breaks: (w) => w.cluster.nodes.push({ ...nodeObject({ name: cp2, address: '192.168.13.31' }, true), ready: false }),
  },
  {
    check: 'container-runtime',
    what: 'silent',
    node: cp3,
    evidence: /containerd\.sock: no answer/,
    breaks: (w) => Object.assign(facts(w, cp3), { containerRuntime: '' }),
  },
  {
    check: 'control-plane-images',
    what: 'nobody has pulled them',
    severity: 'warning',
    node: cp3,
    evidence: /^registry\.k8s\.io\/kube-apiserver:v1\.37\.2$/,
    breaks: (w) => {
      w.missingImages = { [cp3]: ['registry.k8s.io/kube-apiserver:v1.37.2'] }
    },
  },
  {
    check: 'crictl',
    what: 'kubeadm 1.30 without it',
    node: cp2,
    evidence: /crictl: not found/,
    breaks: (w) => Object.assign(facts(w, cp2), { kubeadmVersion: 'v1.30.4' }),
  },
  {
    check: 'cgroups',
    what: 'v1',
    node: cp2,
    evidence: /cgroup v1: no/,
    breaks: (w) => Object.assign(facts(w, cp2), { cgroupVersion: 'v1' }),
  },
  {
    check: 'cgroups',
    what: 'mixed',
    severity: 'warning',
    node: cp2,
    evidence: /cgroup v1; .* v2/,
    breaks: (w) => Object.assign(facts(w, cp2), { cgroupVersion: 'v1' }),
  },
  {
    check: 'swap',
    what: 'on',
    node: cp3,
    evidence: /\/proc\/swaps/,
    breaks: (w) => Object.assign(facts(w, cp3), { swapOn: true }),
  },
  {
    check: 'resources',
    what: 'one CPU',
    node: cp2,
    evidence: /^1 CPU$/,
    breaks: (w) => Object.assign(facts(w, cp2), { cpus: 1 }),
  },
  {
    check: 'resources',
    what: 'too little memory',
    node: cp2,
    evidence: /^1024 MB$/,
    breaks: (w) => Object.assign(facts(w, cp2), { memoryBytes: 2 ** 30 }),
  },
  {
    check: 'kubelet-service',
    what: 'disabled',
    severity: 'warning',
    node: cp2,
    evidence: /disabled/,
    breaks: (w) => Object.assign(facts(w, cp2).units[0] ?? {}, { unitFileState: 'disabled' }),
  },
  {
    check: 'firewall',
    what: 'firewalld',
    severity: 'warning',
    node: cp1,
    evidence: /firewalld/,
    breaks: (w) => Object.assign(facts(w, cp1), { firewalldActive: true }),
  },
  {
    check: 'firewall',
    what: 'ufw without a rule',
    severity: 'warning',
    node: cp2,
    evidence: /ufw: no rule/,
    breaks: (w) => {
      facts(w, cp2).units.push({ name: 'ufw', activeState: 'active', unitFileState: 'enabled', activeSinceUnixMs: 0 })
      w.firewall = { [cp2]: { firewalldZones: '', firewalldProblem: '', ufwActive: true, ufwFiles: {} } }
    },
  },
  {
    check: 'program-versions',
    what: 'haproxy of RHEL 7',
    node: cp3,
    evidence: /^haproxy 1\.5\.18; from 1\.8 on/,
    breaks: (w) => machine(w, cp3, { programs: [{ name: 'haproxy', version: '1.5.18', path: '/usr/sbin/haproxy' }] }),
  },
  {
    check: 'selinux',
    what: 'the boolean of haproxy is off',
    node: cp2,
    evidence: /haproxy_connect_any --> off/,
    breaks: (w) =>
      machine(w, cp2, {
        selinux: { enforcing: true, booleans: { haproxy_connect_any: false, keepalived_connect_any: false } },
      }),
  },
  {
    check: 'ports',
    what: "the operator's haproxy is enabled on it",
    node: cp2,
    evidence: /^\/etc\/haproxy\/haproxy\.cfg: bind \*:443,\*:8443 ssl crt \/x\.pem \(line 2\)$/,
    breaks: (w) => {
      const text = 'frontend shop\n  bind *:443,*:8443 ssl crt /x.pem # all\n'
      facts(w, cp2).foreignLoadBalancerConfigs = { '/etc/haproxy/haproxy.cfg': text }
    },
  },
  {
    check: 'virtual-router-id',
    what: "the operator's keepalived moves the same address",
    node: cp3,
    evidence: /^\/etc\/keepalived\/conf\.d\/a\.conf: 192\.168\.13\.100\/24 dev eth0 \(line 3\)$/,
    breaks: (w) => {
      const text = 'vrrp_instance a {\n  virtual_ipaddress {\n    192.168.13.100/24 dev eth0\n  }\n}\n'
      facts(w, cp3).foreignLoadBalancerConfigs = { '/etc/keepalived/conf.d/a.conf': text }
    },
  },
  {
    check: 'ports',
    what: "etcd's on a joiner",
    node: cp2,
    evidence: /0\.0\.0\.0:2379 postgres/,
    breaks: (w) => facts(w, cp2).listening.push({ port: 2379, address: '0.0.0.0', process: 'postgres' }),
  },
  {
    check: 'ports',
    what: "the load balancer's",
    node: cp1,
    evidence: /:::8443 java/,
    breaks: (w) => facts(w, cp1).listening.push({ port: 8443, address: '::', process: 'java' }),
  },
  {
    check: 'ports',
    what: 'an haproxy of somebody else',
    node: cp3,
    evidence: /8443 haproxy/,
    breaks: (w) => facts(w, cp3).listening.push({ port: 8443, address: '*', process: 'haproxy' }),
  },
  {
    check: 'ports',
    what: "the API server's for the load balancer on the same host",
    evidence: /apiserver\.example\.com:6443/,
    breaks: (w) => Object.assign(w.file.endpoint, { port: 6443 }),
  },
  {
    check: 'reachability',
    what: "a joiner's etcd port is closed",
    node: cp1,
    evidence: /192\.168\.13\.30 -> 192\.168\.13\.31:2380: connect ETIMEDOUT/,
    breaks: (w) =>
      Object.assign(w, {
        probe: (source: string, { host, port }: { host: string; port: number }) =>
          source === cp1 && host === '192.168.13.31' && port === 2380 ? { error: 'connect ETIMEDOUT' } : undefined,
      }),
  },
  {
    check: 'reachability',
    what: "the first one's API server is closed for a joiner",
    node: cp3,
    evidence: /192\.168\.13\.32 -> 192\.168\.13\.30:6443/,
    breaks: (w) =>
      Object.assign(w, {
        probe: (source: string, { host, port }: { host: string; port: number }) =>
          source === cp3 && host === '192.168.13.30' && port === 6443 ? { error: 'connect ECONNREFUSED' } : undefined,
      }),
  },
  {
    check: 'reachability',
    what: 'another machine has its address',
    node: cp1,
    evidence: /shows certificate somebody-else/,
    breaks: (w) =>
      Object.assign(w, {
        probe: (_: string, { host }: { host: string }) =>
          host === '192.168.13.32' ? { certificateSha256: 'somebody-else' } : undefined,
      }),
  },
  {
    check: 'shared-files',
    what: 'to be copied',
    severity: 'info',
    node: cp2,
    evidence: /^\/etc\/kubernetes\/audit\.yaml$/,
    breaks: (w) =>
      facts(w, cp1).sharedFiles.push(shared, {
        ...shared,
        path: '/etc/kubernetes/audit',
        kind: 'directory',
        directory: true,
        sha256: '',
      }),
  },
  {
    check: 'shared-files',
    what: 'too large',
    node: cp2,
    evidence: /audit\.yaml/,
    breaks: (w) => facts(w, cp1).sharedFiles.push({ ...shared, sha256: '', bytes: 2 ** 21 }),
  },
  {
    check: 'shared-files',
    what: 'where Quorate does not write',
    node: cp3,
    evidence: /^kube-apiserver\.yaml: \/root\/audit\.yaml$/,
    breaks: (w) => facts(w, cp1).sharedFiles.push({ ...shared, path: '/root/audit.yaml', shareable: false }),
  },
  {
    check: 'admission',
    what: 'a policy refuses the change of kubeadm-config',
    evidence:
      /dry run \(dryRun=All\) of update ConfigMap kube-system\/kubeadm-config: configmaps "kubeadm-config" is forbidden/,
    breaks: (w) => {
      const error = `configmaps "kubeadm-config" is forbidden: ValidatingAdmissionPolicy 'frozen' with binding 'frozen-all' denied request: ask first`
      const change = 'update ConfigMap kube-system/kubeadm-config'
      w.tried = [{ change, asUser: '', httpStatus: 422, error, registeredBy: '', altered: false }]
    },
  },
  {
    check: 'kubelets-reached',
    what: 'port 10250 shut on a worker',
    severity: 'warning',
    node: worker,
    evidence: /nodes\/k8sworker1\.example\.com\/proxy\/healthz on k8smaster1/,
    breaks: (w) => Object.assign(w, { unreached: [worker] }),
  },
  {
    check: 'kubelet-serving-certificates',
    what: 'serverTLSBootstrap',
    severity: 'warning',
    evidence: /serverTLSBootstrap: true/,
    breaks: (w) => {
      w.cluster.kubeletConfig = configMap(
        'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nserverTLSBootstrap: true\n',
      )
    },
  },
  {
    check: 'kubelet-flags',
    what: 'a cloud provider that the joiners do not have',
    node: cp2,
    evidence: /\/etc\/default\/kubelet: --cloud-provider=external/,
    breaks: (w) =>
      facts(w, cp1).kubeletFlags.push({ name: 'cloud-provider', value: 'external', where: '/etc/default/kubelet' }),
  },
  {
    check: 'kubelet-flags',
    what: 'drop-ins of the first kubelet that a joiner would be told of and does not have',
    node: cp2,
    evidence: /--config-dir=\/etc\/kubernetes\/kubelet\.d; on k8smaster2\.example\.com nothing lies at/,
    breaks: (w) => {
      Object.assign(w.file.policy, { kubeletExtraArgs: 'as-first' })
      const [name, value] = ['config-dir', '/etc/kubernetes/kubelet.d']
      facts(w, cp1).kubeletFlags.push({ name, value, where: '/etc/default/kubelet' })
      w.kinds = { [cp1]: { [value]: 'directory' }, [cp3]: { [value]: 'directory' } }
    },
  },
  {
    check: 'kubelet-flags',
    what: 'a file that a flag names',
    node: cp3,
    evidence: /nothing lies at \/etc\/kubernetes\/credentials\.yaml/,
    breaks: (w) => {
      Object.assign(w.file.policy, { kubeletExtraArgs: 'as-first' })
      const [name, value] = ['image-credential-provider-config', '/etc/kubernetes/credentials.yaml']
      facts(w, cp1).kubeletFlags.push({ name, value, where: '/etc/default/kubelet' })
      w.kinds = { [cp1]: { [value]: 'file' }, [cp2]: { [value]: 'file' } }
    },
  },
  {
    check: 'cloud-provider',
    what: 'a worker that it does not know',
    node: worker,
    evidence: /uninitialized/,
    breaks: (w) => w.cluster.nodes[1]?.taints.push('node.cloudprovider.kubernetes.io/uninitialized=true:NoSchedule'),
  },
  {
    check: 'control-plane-taints',
    what: 'a first control plane that runs workloads',
    severity: 'warning',
    node: cp1,
    evidence: /spec\.taints: none/,
    breaks: (w) => Object.assign(w.cluster.nodes[0] ?? {}, { taints: [] }),
  },
  {
    check: 'node-labels',
    what: 'a label of its operator',
    severity: 'info',
    node: cp1,
    evidence: /label team=storage/,
    breaks: (w) =>
      Object.assign(w.cluster.nodes[0] ?? {}, { labels: { team: 'storage', 'kubernetes.io/os': 'linux' } }),
  },
  {
    check: 'virtual-ip-in-cloud',
    what: 'keepalived on EC2',
    node: cp3,
    evidence: /sys_vendor: Amazon EC2/,
    breaks: (w) => Object.assign(facts(w, cp3), { dmi: { sys_vendor: 'Amazon EC2' } }),
  },
  {
    check: 'cloud-init-hosts',
    what: 'a worker whose hosts file is written at each boot',
    node: worker,
    evidence: /cloud\.cfg: manage_etc_hosts: true/,
    breaks: (w) => {
      Object.assign(w.file.policy, { manageHosts: true })
      Object.assign(facts(w, worker), {
        cloudInitHosts: { where: '/etc/cloud/cloud.cfg', template: '', templateText: '' },
      })
    },
  },
  {
    check: 'etcd-learner-fixes',
    what: 'before the fix',
    severity: 'warning',
    node: cp2,
    evidence: /^kubeadm v1\.34\.3; kubernetes#136014: fixed in v1\.34\.4; kubernetes#137251: fixed in v1\.34\.6$/,
    breaks: (w) => Object.assign(facts(w, cp2), { kubeadmVersion: 'v1.34.3' }),
  },
  {
    check: 'etcd-learner-fixes',
    what: 'a minor release that got none of them',
    severity: 'warning',
    node: cp2,
    evidence:
      /^kubeadm v1\.30\.4; kubernetes#130782: in no 1\.30, first in v1\.31\.11; .*#137251: in no 1\.30, first in/,
    breaks: (w) => Object.assign(facts(w, cp2), { kubeadmVersion: 'v1.30.4' }),
  },
  {
    check: 'kubernetes-release',
    what: 'older than all that are known',
    evidence: /API server v1\.27\.16; supported: 1\.28 to 1\.37/,
    breaks: (w) => Object.assign(w.cluster, { kubernetesVersion: 'v1.27.16' }),
  },
  {
    check: 'kubernetes-release',
    what: 'newer than all that are known',
    severity: 'warning',
    evidence: /API server v1\.38\.0; kubeadm config validate accepted: v1beta4/,
    breaks: (w) => Object.assign(w.cluster, { kubernetesVersion: 'v1.38.0' }),
  },
  {
    check: 'kubeadm-config-api',
    what: 'a kubeadm that takes nothing that can be written',
    node: cp2,
    evidence: /accepted no JoinConfiguration of v1beta4, v1, v1beta3/,
    breaks: (w) => Object.assign(facts(w, cp2), { kubeadmVersion: 'v1.40.1', kubeadmConfigApi: '' }),
  },
  {
    check: 'kubeadm-config-api',
    what: 'kubeadm-config as kubeadm 1.30 left it',
    node: cp2,
    evidence: /apiVersion: kubeadm\.k8s\.io\/v1beta3/,
    breaks: (w) => {
      w.cluster.kubeadmConfig = configMap(clusterConfiguration().replace('v1beta4', 'v1beta3'))
      Object.assign(facts(w, cp2), { kubeadmVersion: 'v1.37.2' })
    },
  },
  {
    check: 'load-balancer',
    what: 'what its kind finds',
    node: cp2,
    evidence: /haproxy: not found/,
    breaks: (w) =>
      w.loadBalancerFindings.push({
        id: 'load-balancer',
        severity: 'error',
        node: cp2,
        message: 'no haproxy',
        evidence: 'haproxy: not found',
        remedy: 'apt-get install haproxy',
      }),
  },
  {
    check: 'virtual-ip-unused',
    what: 'a node has it',
    node: worker,
    evidence: /eth0 .*192\.168\.13\.100\/32/,
    breaks: (w) => facts(w, worker).interfaces[1]?.addresses.push('192.168.13.100/32'),
  },
  {
    check: 'virtual-ip-unused',
    what: 'another network',
    node: cp1,
    evidence: /192\.168\.13\.30\/24/,
    breaks: (w) => Object.assign(w.file.loadBalancer, { virtualIP: '10.9.9.9' }),
  },
  {
    check: 'virtual-ip-unused',
    what: 'a machine outside refuses there',
    evidence: /192\.168\.13\.100:8443: connect ECONNREFUSED/,
    breaks: (w) =>
      Object.assign(w, {
        probe: (_: string, { host }: { host: string }) =>
          host === '192.168.13.100' ? { error: 'connect ECONNREFUSED' } : undefined,
      }),
  },
  {
    check: 'endpoint-resolves',
    what: 'nothing',
    node: worker,
    evidence: /\(nothing\)/,
    breaks: (w) => Object.assign(w.resolves, { [worker]: [] }),
  },
  {
    check: 'endpoint-resolves',
    what: 'another address',
    node: cp2,
    evidence: /192\.168\.13\.30/,
    breaks: (w) => Object.assign(w.resolves, { [cp2]: ['192.168.13.30'] }),
  },
  {
    check: 'endpoint-resolves',
    what: "a line of somebody else's in /etc/hosts",
    node: cp2,
    evidence: /^192\.168\.13\.30 apiserver\.example\.com$/,
    breaks: (w) => {
      w.file.policy.manageHosts = true
      facts(w, cp2).hostsFile += '192.168.13.30 apiserver.example.com # by hand\n'
      facts(w, cp3).hostsFile += '# BEGIN quorate\n192.168.13.99 apiserver.example.com\n# END quorate\n'
    },
  },
  {
    check: 'join-permissions',
    what: 'a role is gone',
    evidence: /^role\/kube-system\/kubeadm:kubelet-config: not found$/,
    breaks: (w) => w.cluster.missingJoinRights.push('role/kube-system/kubeadm:kubelet-config'),
  },
  {
    check: 'join-permissions',
    what: 'the binding of cluster-info is gone',
    evidence: /^rolebinding\/kube-public\/kubeadm:bootstrap-signer-clusterinfo/,
    breaks: (w) => w.cluster.missingJoinRights.push('rolebinding/kube-public/kubeadm:bootstrap-signer-clusterinfo'),
  },
  {
    check: 'bootstrap-signer',
    what: 'nobody leads',
    evidence: /kube-controller-manager renewed 2026-11-22T11:58:00/,
    breaks: (w) => Object.assign(w.cluster.leases[0] ?? {}, { renewedUnixMs: w.now - 120_000 }),
  },
  {
    check: 'bootstrap-signer',
    what: 'there never was a leader',
    evidence: /renewed never, holder \(none\)/,
    breaks: (w) => Object.assign(w.cluster, { leases: [] }),
  },
  {
    check: 'bootstrap-signer',
    what: 'it is switched off',
    node: cp1,
    evidence: /--controllers=\*,-bootstrapsigner,tokencleaner/,
    breaks: (w) => flag(w, 'kube-controller-manager', /bootstrapsigner/, '-bootstrapsigner'),
  },
  {
    check: 'bootstrap-signer',
    what: 'it is not switched on',
    node: cp1,
    evidence: /no --controllers/,
    breaks: (w) => flag(w, 'kube-controller-manager', /^--controllers.*/, '--leader-elect=true'),
  },
  {
    check: 'cluster-ca',
    what: 'cluster-info has another',
    evidence: /cluster-info [0-9a-f]{16}; .*ca\.crt [0-9a-f]{16}/,
    breaks: (w) => Object.assign(w.cluster, { clusterInfo: configMap(clusterInfoOf(pem('another CA'))) }),
  },
  {
    check: 'cluster-ca',
    what: 'two in one file',
    severity: 'warning',
    node: cp1,
    evidence: /ca\.crt: 2 certificates/,
    breaks: (w) => Object.assign(facts(w, cp1), { clusterCaPem: facts(w, cp1).clusterCaPem + pem('the next CA') }),
  },
  {
    check: 'serving-certificate',
    what: 'not for the address of the node',
    node: cp1,
    evidence: /apiserver\.crt: k8smaster1\.example\.com, 10\.0\.2\.15/,
    breaks: (w) => Object.assign(facts(w, cp1).certificates[1] ?? {}, { sans: [cp1, '10.0.2.15'] }),
  },
  {
    check: 'static-pods-run',
    what: 'none of one component',
    node: cp1,
    evidence: /^kube-scheduler: none running$/,
    breaks: (w) => running(w, 'kube-scheduler', []),
  },
  {
    check: 'static-pods-run',
    what: 'two of one component',
    node: cp1,
    evidence: /^etcd: a, b$/,
    breaks: (w) => running(w, 'etcd', ['a', 'b']),
  },
  {
    check: 'cluster-status',
    what: 'of kubeadm 1.21',
    severity: 'warning',
    evidence: /^ClusterStatus: advertiseAddress: 192\.168\.13\.30$/,
    breaks: (w) =>
      Object.assign(w.cluster, {
        clusterStatus: configMap(
          'apiEndpoints:\n  k8smaster1:\n    advertiseAddress: 192.168.13.30\n    bindPort: 6443\n',
        ),
      }),
  },
  {
    check: 'cgroup-driver',
    what: 'containerd 1 with cgroupfs',
    node: cp2,
    evidence: /cgroupfs; kubelet-config: cgroupDriver: systemd/,
    breaks: (w) => Object.assign(facts(w, cp2), { runtimeCgroupDriver: 'cgroupfs' }),
  },
  {
    check: 'kernel-network',
    what: 'no forwarding',
    node: cp2,
    evidence: /ip_forward is not 1/,
    breaks: (w) => Object.assign(facts(w, cp2), { ipForward: false }),
  },
  {
    check: 'kernel-network',
    what: 'no br_netfilter',
    severity: 'warning',
    node: cp3,
    evidence: /bridge-nf-call-iptables/,
    breaks: (w) => Object.assign(facts(w, cp3), { bridgeNetfilter: false }),
  },
  {
    check: 'idle-timeouts',
    what: 'haproxy of the operator, on a worker',
    severity: 'warning',
    node: worker,
    evidence: /haproxy\.cfg: timeout client 50000$/,
    breaks: (w) => {
      Object.assign(w.file.loadBalancer, { kind: 'external', virtualIP: undefined })
      const text = 'defaults\n  timeout connect 5s\n  timeout client 50000\n  timeout server 4h\nfrontend api\n'
      facts(w, worker).foreignLoadBalancerConfigs = { '/etc/haproxy/haproxy.cfg': text }
    },
  },
  {
    check: 'virtual-router-id',
    what: "another keepalived's on a worker",
    node: worker,
    evidence: /keepalived\.conf: virtual_router_id 100/,
    breaks: (w) => {
      const text = 'vrrp_instance ingress {\n  virtual_router_id 100\n}\n'
      facts(w, worker).foreignLoadBalancerConfigs = { '/etc/keepalived/keepalived.conf': text }
    },
  },
  {
    check: 'endpoint-outside-cluster',
    what: 'the virtual IP is a ClusterIP',
    evidence: /10\.96\.7\.7 is in serviceSubnet 10\.96\.0\.0\/12/,
    breaks: (w) => Object.assign(w.file.loadBalancer, { virtualIP: '10.96.7.7' }),
  },
  {
    check: 'endpoint-outside-cluster',
    what: 'its name resolves to one',
    evidence: /10\.96\.7\.7/,
    breaks: (w) => {
      Object.assign(w.file.loadBalancer, { kind: 'external', virtualIP: undefined })
      w.resolves[cp1] = ['10.96.7.7']
    },
  },
  {
    check: 'etcd-learner-mode',
    what: 'no such mode in this release',
    severity: 'warning',
    evidence: /kubeadm v1\.26\.15, featureGates: EtcdLearnerMode: \(not set\)/,
    breaks: (w) => Object.assign(w.cluster, { kubernetesVersion: 'v1.26.15' }),
  },
  {
    check: 'etcd-learner-mode',
    what: 'switched off, so that the run overrides it for its joins',
    severity: 'warning',
    evidence: /kubeadm v1\.30\.4, featureGates: EtcdLearnerMode: false/,
    breaks: (w) => {
      Object.assign(w.cluster, { kubernetesVersion: 'v1.30.4' })
      configuration(w, 'featureGates:\n  EtcdLearnerMode: false\n')
    },
  },
  {
    check: 'planned-outage',
    what: 'the joins of kubeadm 1.26',
    evidence: /acceptOutageSeconds: 0/,
    breaks: (w) => Object.assign(w.cluster, { kubernetesVersion: 'v1.26.15' }),
  },
  {
    check: 'planned-outage',
    what: 'the gate switched off by the operator, who wants it left',
    evidence: /acceptOutageSeconds: 29/,
    breaks: (w) => {
      Object.assign(w.cluster, { kubernetesVersion: 'v1.30.4' })
      configuration(w, 'featureGates:\n  EtcdLearnerMode: false\n')
      Object.assign(w.file.policy, { etcdLearners: 'as-configured', acceptOutageSeconds: 29 })
    },
  },
  {
    check: 'planned-outage',
    what: 'accepted, and told all the same',
    severity: 'warning',
    evidence: /acceptOutageSeconds: 30/,
    breaks: (w) => {
      Object.assign(w.cluster, { kubernetesVersion: 'v1.28.15' })
      Object.assign(w.file.policy, { etcdLearners: 'as-configured', acceptOutageSeconds: 30 })
    },
  },
  {
    check: 'planned-outage',
    what: 'an etcd that is let to listen',
    evidence: /acceptOutageSeconds: 0/,
    breaks: (w) => {
      Object.assign(w.file.policy, { letEtcdListen: true })
      flag(w, 'etcd', /--listen-peer-urls=.*/, '--listen-peer-urls=https://127.0.0.1:2380')
    },
  },
  {
    check: 'feature-gates',
    what: 'one that an earlier release had',
    evidence: /WaitForAllControlPlaneComponents: true/,
    breaks: (w) => configuration(w, 'featureGates:\n  WaitForAllControlPlaneComponents: true\n'),
  },
  {
    check: 'endpoint-resolves',
    what: 'its only resolver is cluster DNS',
    node: worker,
    evidence: /nameserver 10\.96\.0\.10; of the cluster: 10\.96\.0\.10/,
    breaks: (w) => Object.assign(facts(w, worker), { nameservers: ['10.96.0.10'] }),
  },
  {
    check: 'endpoint-resolves',
    what: 'cluster DNS through the local cache, and another server',
    severity: 'warning',
    node: cp2,
    evidence: /of the cluster: 169\.254\.25\.10$/,
    breaks: (w) => Object.assign(facts(w, cp2), { nameservers: ['169.254.25.10', '192.168.13.1'] }),
  },
  {
    check: 'reachability',
    what: 'a worker that cannot reach the load balancer’s port',
    node: worker,
    evidence: /192\.168\.13\.35 -> 192\.168\.13\.31:8443: connect ECONNREFUSED/,
    breaks: (w) => {
      w.probe = (source, { host, port }) =>
        source === worker && host === '192.168.13.31' && port === 8443 ? { error: 'connect ECONNREFUSED' } : undefined
    },
  },
  {
    check: 'reachability',
    what: 'a path that loses large packets',
    node: cp1,
    evidence:
      /192\.168\.13\.32:2380: no answer within 3000 ms: TCP connects, but a certificate of 12 KiB does not arrive/,
    breaks: (w) => {
      w.probe = (source, { host, port }) =>
        source === cp1 && host === '192.168.13.32' && port === 2380
          ? { reached: 'tls', error: 'no answer within 3000 ms' }
          : undefined
    },
  },
  {
    check: 'disk-latency',
    what: 'a disk that is slow',
    severity: 'warning',
    node: cp2,
    evidence: /p99 35 ms, median 18 ms, minimum 8\.8 ms of 100 writes in \/var\/lib/,
    breaks: (w) => Object.assign(w.diskMs, { [cp2]: 35 }),
  },
  {
    check: 'disk-latency',
    what: 'a disk on which etcd would lose its leader',
    node: cp3,
    evidence: /p99 2400 ms, median 1200 ms, minimum 600 ms/,
    breaks: (w) => Object.assign(w.diskMs, { [cp3]: 2_400 }),
  },
  {
    check: 'disk-latency',
    what: 'a machine so busy that its slowest write says little',
    severity: 'warning',
    node: cp3,
    evidence: /p99 900 ms/,
    breaks: (w) => Object.assign(w.diskMs, { [cp3]: 900 }),
  },
  {
    check: 'mtu',
    what: 'jumbo frames on one control plane only',
    severity: 'warning',
    node: cp2,
    evidence: /MTU of eth0 on k8smaster2\.example\.com: 9000/,
    breaks: (w) => {
      for (const each of facts(w, cp2).interfaces) if (each.name === 'eth0') each.mtu = 9000
    },
  },
  {
    check: 'hairpin',
    what: 'an external load balancer that cannot lead a backend to itself, and kubelets go their own way',
    severity: 'warning',
    node: cp1,
    evidence: /3 of 3 connections failed: no answer within 2000 ms/,
    breaks: (w) => {
      externalLoadBalancer(w)
    },
  },
  {
    check: 'hairpin',
    what: 'the same where the kubelet of a control plane goes through it',
    node: cp1,
    evidence: /3 of 3 connections failed/,
    breaks: (w) => {
      externalLoadBalancer(w)
      w.file.policy.controlPlaneKubeconfigs = 'load-balancer'
    },
  },
  ...oldAddressUsers,
]
