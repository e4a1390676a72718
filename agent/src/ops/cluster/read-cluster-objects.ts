import { isIP } from 'node:net'
import type {
  ConfigMapText,
  CoreDnsFacts,
  DaemonSetFacts,
  LeaseFacts,
  NodeObject,
  PodFacts,
  ServicePlace,
  ServingRequest,
} from '@quorate/shared/gen/quorate/v1/facts'
import { sha256Hex } from '@quorate/shared/hash'
import {
  type ConfigMap,
  isReady,
  type Lease,
  lastWrite,
  type Node,
  type Pod,
  type Secret,
  type Service,
  type SigningRequest,
  type Toleration,
  unixMs,
  type Workload,
} from './kube-objects.js'

const controlPlaneLabel = 'node-role.kubernetes.io/control-plane'
/** Longer values are written by programs for themselves (kubectl's last-applied-configuration). */
const longestAnnotation = 200
const heartbeats = 'kube-node-lease'
const signaturePrefix = 'jws-kubeconfig-'

/** One value of a ConfigMap; undefined unless both exist. */
export function configMapText(object: ConfigMap | undefined, key: string): ConfigMapText {
  const text = object?.data?.[key]
  if (text === undefined) return { text: '', resourceVersion: '', sha256: '', present: false, writtenUnixMs: 0 }
  const { resourceVersion = '' } = object?.metadata ?? {}
  return { text, resourceVersion, sha256: sha256Hex(text), present: true, writtenUnixMs: lastWrite(object?.metadata) }
}

/** Ids of the tokens for which cluster-info has a signature. */
export const signedTokenIds = (clusterInfo: ConfigMap | undefined): string[] =>
  Object.keys(clusterInfo?.data ?? {})
    .filter((key) => key.startsWith(signaturePrefix))
    .map((key) => key.slice(signaturePrefix.length))

/** Ids of the bootstrap tokens that Quorate made: their description begins with `quorate run`. No other value of the Secret. */
export function joinTokenIds(secrets: readonly Secret[]): string[] {
  const text = (value: string | undefined): string => Buffer.from(value ?? '', 'base64').toString('utf8')
  const ours = secrets.filter(({ data }) => text(data?.['description']).startsWith('quorate run '))
  return ours.map(({ data }) => text(data?.['token-id'])).filter((id) => id !== '')
}

/** For each node the newest request that is neither issued, approved nor denied. */
export function pendingRequests(requests: readonly SigningRequest[]): ServingRequest[] {
  const waiting = requests.filter(
    ({ status }) => status?.certificate === undefined && (status?.conditions ?? []).length === 0,
  )
  const byAge = [...waiting].sort((a, b) => unixMs(a.metadata.creationTimestamp) - unixMs(b.metadata.creationTimestamp))
  const newest = new Map(
    byAge.map(({ metadata, spec }) => [(spec?.username ?? '').replace(/^system:node:/, ''), metadata.name]),
  )
  return [...newest].map(([node, name]) => ({ node, name }))
}

/** A Node with its kubelet's heartbeat: its own lease, and the newest heartbeat of its conditions. */
export function nodeObject(node: Node, leases: readonly Lease[]): NodeObject {
  const { metadata, spec, status } = node
  const conditions = status?.conditions ?? []
  const lease = leases.find((one) => one.metadata.namespace === heartbeats && one.metadata.name === metadata.name)
  const addresses = status?.addresses ?? []
  return {
    name: metadata.name,
    internalIps: addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address),
    ready: isReady(node),
    controlPlane: metadata.labels?.[controlPlaneLabel] !== undefined,
    kubeletVersion: status?.nodeInfo?.kubeletVersion ?? '',
    leaseRenewedUnixMs: unixMs(lease?.spec?.renewTime),
    taints: (spec?.taints ?? []).map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`),
    uid: metadata.uid ?? '',
    osImage: status?.nodeInfo?.osImage ?? '',
    providerId: spec?.providerID ?? '',
    labels: { ...metadata.labels },
    annotations: Object.fromEntries(
      Object.entries(metadata.annotations ?? {}).filter(([, value]) => value.length <= longestAnnotation),
    ),
    heartbeatUnixMs: Math.max(0, ...conditions.map(({ lastHeartbeatTime }) => unixMs(lastHeartbeatTime))),
    pressures: conditions.filter(({ type, status: is }) => type !== 'Ready' && is === 'True').map(({ type }) => type),
  }
}

export const leaseFacts = ({ metadata, spec }: Lease): LeaseFacts => ({
  namespace: metadata.namespace ?? '',
  name: metadata.name,
  holder: spec?.holderIdentity ?? '',
  renewedUnixMs: unixMs(spec?.renewTime),
})

export const podFacts = (pod: Pod): PodFacts => {
  const { metadata, spec, status } = pod
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    node: spec?.nodeName ?? '',
    app: metadata.labels?.['k8s-app'] ?? metadata.labels?.['component'] ?? '',
    ready: isReady(pod),
    startedUnixMs: unixMs(status?.startTime),
    revision: metadata.labels?.['pod-template-hash'] ?? metadata.labels?.['controller-revision-hash'] ?? '',
    ending: metadata.deletionTimestamp !== undefined,
    waitsFor: waitsFor(status),
  }
}

/** The reason of its first waiting container, else of its first failed condition. */
function waitsFor(status: Pod['status']): string {
  const waiting = (status?.containerStatuses ?? []).map(({ state }) => state?.waiting)
  const failed = (status?.conditions ?? []).filter(({ status: is, reason }) => is === 'False' && reason !== undefined)
  const scheduled = failed.find(({ type }) => type === 'PodScheduled')
  const why =
    waiting.find((one) => one?.reason !== undefined) ?? scheduled ?? failed.find(({ type }) => type === 'Ready')
  return [why?.reason, why?.message].filter((part) => part !== undefined && part !== '').join(': ')
}

/** The pods' address of a Service; undefined without a cluster IP (`None`, or ExternalName). */
export function servicePlace(service: Service | undefined): ServicePlace | undefined {
  const { clusterIP = '', ports = [] } = service?.spec ?? {}
  const [first] = ports
  return isIP(clusterIP) === 0 || first === undefined ? undefined : { address: clusterIP, port: first.port }
}

export function daemonSetFacts({ metadata, spec, status }: Workload): DaemonSetFacts {
  return {
    generation: metadata.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? 0,
    desired: status?.desiredNumberScheduled ?? 0,
    updated: status?.updatedNumberScheduled ?? 0,
    available: status?.numberAvailable ?? 0,
    restartedAt: spec?.template?.metadata?.annotations?.['kubectl.kubernetes.io/restartedAt'] ?? '',
    updateStrategy: spec?.updateStrategy?.type ?? 'RollingUpdate',
  }
}

export function coreDnsFacts({ spec }: Workload): CoreDnsFacts {
  const pods = spec?.template?.spec
  return {
    replicas: spec?.replicas ?? 1,
    paused: spec?.paused === true,
    nodeSelector: { ...pods?.nodeSelector },
    tolerations: (pods?.tolerations ?? []).map(tolerationText),
  }
}

const tolerationText = ({ key = '', operator = 'Equal', value = '', effect = '' }: Toleration): string =>
  `${key}${operator === 'Exists' ? '' : `=${value}`}:${effect}`
