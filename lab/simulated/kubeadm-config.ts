import { parse, parseAllDocuments } from 'yaml'
import { type ExternalEtcd, type ExtraVolume, usualCertificatesDir, usualEtcdDataDir } from './init-wish.js'
import { type Credentials, credentialsOf, KubeClient } from './kube-client.js'
import type { Kubeadm } from './kubeadm-run.js'
import type { Site } from './site.js'
import { type KubeObject, keyOf } from './store.js'

/** The fields of kubeadm's documents that the laboratory reads. */
export interface ClusterConfiguration {
  apiVersion: string
  kubernetesVersion: string
  certificatesDir?: string
  controlPlaneEndpoint?: string
  clusterName?: string
  imageRepository?: string
  apiServer?: ComponentConfiguration & { certSANs?: string[] }
  controllerManager?: ComponentConfiguration
  scheduler?: ComponentConfiguration
  featureGates?: Record<string, boolean>
  networking?: { serviceSubnet?: string; podSubnet?: string; dnsDomain?: string }
  etcd?: {
    external?: ExternalEtcd
    local?: ComponentConfiguration & { dataDir?: string; imageRepository?: string; imageTag?: string }
  }
}

/** A component's settings beyond kubeadm's defaults. */
export interface ComponentConfiguration {
  extraArgs?: ExtraArgs
  extraVolumes?: ExtraVolume[]
  extraEnvs?: { name: string; value?: string }[]
}

/** What kubeadm-config has now, for commands that read it from the cluster. */
export const storedConfiguration = ({ store }: Site): ClusterConfiguration =>
  parse(store.get(keyOf('configmaps', 'kube-system', 'kubeadm-config'))?.data?.['ClusterConfiguration'] ?? '')

/** Where kubeadm keeps certificates, by its configuration. */
export const pkiOf = ({
  certificatesDir = usualCertificatesDir,
}: Pick<ClusterConfiguration, 'certificatesDir'>): string => certificatesDir

/** Where a stacked etcd keeps its data. */
export const etcdDataOf = ({ etcd }: Pick<ClusterConfiguration, 'etcd'>): string =>
  etcd?.local?.dataDir ?? usualEtcdDataDir

/** A map up to v1beta3, a list since v1beta4. */
export type ExtraArgs = Record<string, string> | { name: string; value: string }[]

/** extraArgs of either version, repeated ones too. */
export const argList = (args: ExtraArgs = {}): readonly { name: string; value: string }[] =>
  Array.isArray(args) ? args : Object.entries(args).map(([name, value]) => ({ name, value }))

/** extraArgs of either version by name; of a repeated one the last counts. */
export const extraArgs = (args: ExtraArgs = {}): ReadonlyMap<string, string> =>
  new Map(argList(args).map(({ name, value }) => [name, value]))

export interface Taint {
  key: string
  value?: string
  effect: string
}

export interface LocalEndpoint {
  advertiseAddress?: string
  bindPort?: number
}

export interface InitConfiguration {
  certificateKey?: string
  localAPIEndpoint?: LocalEndpoint
  nodeRegistration?: { name?: string; criSocket?: string }
  patches?: { directory?: string }
}

export interface JoinConfiguration {
  discovery?: {
    bootstrapToken?: { apiServerEndpoint?: string; token?: string; caCertHashes?: string[] }
    tlsBootstrapToken?: string
    file?: { kubeConfigPath?: string }
  }
  nodeRegistration?: {
    name?: string
    criSocket?: string
    ignorePreflightErrors?: string[]
    kubeletExtraArgs?: ExtraArgs
    taints?: Taint[]
  }
  patches?: { directory?: string }
  controlPlane?: { localAPIEndpoint?: LocalEndpoint; certificateKey?: string }
  timeouts?: { etcdAPICall?: string; discovery?: string }
}

interface Documents {
  InitConfiguration?: InitConfiguration
  ClusterConfiguration?: ClusterConfiguration
  JoinConfiguration?: JoinConfiguration
}

/** Documents of a --config file by kind; refuses an apiVersion that this release does not know. */
export function readConfig({ machine, site }: Kubeadm, path: string): Documents {
  const text = machine.node.read(path)
  if (text === undefined)
    throw new Error(`unable to read config from "${path}": open ${path}: no such file or directory`)
  const documents: Record<string, unknown> = {}
  for (const document of parseAllDocuments(text)) {
    const value = document.toJS() as { kind?: string; apiVersion?: string } | null
    if (value === null || value.kind === undefined) continue
    const version = value.apiVersion?.replace('kubeadm.k8s.io/', '') ?? ''
    if (value.apiVersion?.startsWith('kubeadm.k8s.io/') && !site.release.readsApis.some((api) => api === version)) {
      throw new Error(
        `unknown configuration APIs: []schema.GroupVersionKind{schema.GroupVersionKind{Group:"kubeadm.k8s.io", Version:"${version}", Kind:"${value.kind}"}}`,
      )
    }
    documents[value.kind] = value
  }
  return documents
}

/** Names and addresses in etcd's server and peer certificates (GetEtcdAltNames, GetEtcdPeerAltNames). */
export const etcdSans = (node: { name: string; address: string }): { dnsNames: string[]; ipAddresses: string[] } => ({
  dnsNames: [node.name, 'localhost'],
  ipAddresses: [node.address, '127.0.0.1', '::1'],
})

/** Names and addresses that kubeadm puts into the API server's certificate (GetAPIServerAltNames). */
export function apiServerSans(
  cluster: ClusterConfiguration,
  node: { name: string; address: string },
): { dnsNames: string[]; ipAddresses: string[] } {
  const domain = cluster.networking?.dnsDomain ?? 'cluster.local'
  const endpoint = cluster.controlPlaneEndpoint?.replace(/:\d+$/, '')
  const extra = [
    ...(cluster.apiServer?.certSANs ?? []),
    ...(endpoint === undefined || endpoint === '' ? [] : [endpoint]),
  ]
  const isIp = (text: string): boolean => /^[\d.]+$/.test(text) || text.includes(':')
  const service = firstAddress(cluster.networking?.serviceSubnet ?? '10.96.0.0/12')
  const dns = [
    node.name,
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${domain}`,
  ]
  return {
    dnsNames: [...new Set([...dns, ...extra.filter((name) => !isIp(name))])].sort(),
    ipAddresses: [...new Set([service, node.address, ...extra.filter(isIp)])],
  }
}

function firstAddress(subnet: string): string {
  // With dual stack only the first (kubeadm's GetAPIServerVirtualIP).
  const [base = ''] = subnet.split(/[/,]/)
  if (base.endsWith('::')) return `${base}1`
  const parts = base.split('.').map(Number)
  return [...parts.slice(0, 3), (parts[3] ?? 0) + 1].join('.')
}

/** A client for kubeadm's own requests. */
export function clientFor({ machine, site }: Kubeadm, credentials: Credentials): KubeClient {
  return new KubeClient({ node: machine.node, network: site.network, process: 'kubeadm' }, credentials)
}

/** admin.conf's client, dialling the local API server as kubeadm's init phases do since May 2026. */
export function adminClient(run: Kubeadm, server: string): KubeClient {
  const { node } = run.machine
  const text = node.read('/etc/kubernetes/admin.conf')
  if (text === undefined)
    throw new Error('failed to load admin kubeconfig: open /etc/kubernetes/admin.conf: no such file or directory')
  return clientFor(run, { ...credentialsOf(node, text), server })
}

/** GET of an object; throws the server's message for anything but 200. */
export async function getObject(client: KubeClient, path: string): Promise<KubeObject> {
  const { status, body } = await client.request('GET', path)
  if (status !== 200) throw new Error((body as { message?: string }).message ?? `the server answered ${status}`)
  return body as KubeObject
}

/** `5m0s`, `2m`, `30s` in milliseconds. */
export function durationMs(text: string): number {
  const units = { h: 3_600_000, m: 60_000, s: 1000 }
  return [...text.matchAll(/(\d+)(h|m|s)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * units[unit as 'h' | 'm' | 's'],
    0,
  )
}
