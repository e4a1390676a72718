import { stringify } from 'yaml'
import { readClusterConfiguration, withCertificatesDir } from './cluster-config-map.js'
import { QuorateError } from './errors.js'
import { documentBody } from './yaml-text.js'

export interface InitDocumentsInput {
  /** Text of the ClusterConfiguration, as the ConfigMap has it. */
  readonly clusterConfiguration: string
  readonly advertiseAddress: string
  readonly bindPort: number
  readonly nodeName: string
  /** Path or URL of the container runtime's socket. */
  readonly criSocket: string
  /** 64 hex digits, for upload-certs. */
  readonly certificateKey?: string
  /** Another folder for the certificates: how a new pair is staged (`--cert-dir` cannot be mixed with `--config`). */
  readonly certificatesDir?: string
  /** Folder with kubeadm's patches of manifests. */
  readonly patchesFolder?: string
}

/** Versions of kubeadm's configuration API in which documents can be written here, the one to prefer first. v1 has the fields of v1beta4. */
export const configApis = ['v1beta4', 'v1', 'v1beta3'] as const
export type ConfigApi = (typeof configApis)[number]

export interface JoinDocumentInput {
  /** One of `configApis`. */
  readonly apiVersion: string
  /** `name:port`. */
  readonly endpoint: string
  /** `id.secret`. */
  readonly token: string
  /** `sha256:hex` of each CA's public key. */
  readonly caPins: readonly string[]
  readonly nodeName: string
  readonly criSocket: string
  readonly advertiseAddress: string
  readonly bindPort: number
  readonly certificateKey: string
  /** kubeadm's names of checks. */
  readonly ignorePreflightErrors: readonly string[]
  /** How long kubeadm keeps asking etcd: a second joiner waits for the first one's promotion. Not in v1beta3. */
  readonly etcdTimeoutSeconds?: number
  /** Path of the kubeconfig by which it discovers the cluster, where it must not ask anonymously. */
  readonly discoveryFile?: string
  /** Folder with kubeadm's patches of manifests, where there are any. */
  readonly patchesFolder?: string
  /** The kubelet's --node-ip: its own choice is the address of the default route. */
  readonly nodeIp?: string
  /** Other flags of the kubelet. */
  readonly kubeletExtraArgs?: readonly { readonly name: string; readonly value: string }[]
  /** What the Node gets instead of kubeadm's own taint; empty: none. */
  readonly taints?: readonly Taint[]
}

export interface Taint {
  readonly key: string
  readonly value: string
  readonly effect: string
}

/** Line width 0: a folded long value would still be valid, but hard to compare. */
const document = (value: unknown): string => stringify(value, { lineWidth: 0 })

/** kubeadm wants a URL and warns about a bare path. */
const socketUrl = (criSocket: string): string => (criSocket.startsWith('/') ? `unix://${criSocket}` : criSocket)

/**
 * InitConfiguration and ClusterConfiguration for `kubeadm init phase ... --config`. Both are needed: given only the second,
 * kubeadm takes the address of the default route and the host's name, and a certificate loses the real ones
 * (kubernetes/kubeadm#3313). The ClusterConfiguration's own API version is kept.
 */
export function initDocuments(input: InitDocumentsInput): string {
  const { apiVersion } = readClusterConfiguration(input.clusterConfiguration)
  const init = document({
    apiVersion: `kubeadm.k8s.io/${apiVersion}`,
    kind: 'InitConfiguration',
    localAPIEndpoint: { advertiseAddress: input.advertiseAddress, bindPort: input.bindPort },
    nodeRegistration: { name: input.nodeName, criSocket: socketUrl(input.criSocket) },
    ...(input.certificateKey === undefined ? {} : { certificateKey: input.certificateKey }),
    ...(input.patchesFolder === undefined ? {} : { patches: { directory: input.patchesFolder } }),
  })
  const cluster =
    input.certificatesDir === undefined
      ? input.clusterConfiguration
      : withCertificatesDir(input.clusterConfiguration, input.certificatesDir)
  return `${init}---\n${documentBody(cluster)}`
}

export interface FinishDocumentInput {
  /** One of `configApis`. */
  readonly apiVersion: string
  /** The admin kubeconfig that the join wrote before it broke off. */
  readonly kubeconfigPath: string
  readonly nodeName: string
  readonly criSocket: string
  readonly advertiseAddress: string
  readonly bindPort: number
  readonly taints?: readonly Taint[]
}

/**
 * JoinConfiguration for a single phase after etcd's, on a node that has its admin.conf: kubeadm takes the credentials of a discovery
 * file instead of a token (discovery.For; tried with 1.30.4 and 1.37.2), so that no secret is needed again.
 */
export function finishDocument(input: FinishDocumentInput): string {
  const apiVersion = knownVersion(input.apiVersion)
  return document({
    apiVersion: `kubeadm.k8s.io/${apiVersion}`,
    kind: 'JoinConfiguration',
    discovery: { file: { kubeConfigPath: input.kubeconfigPath } },
    nodeRegistration: { name: input.nodeName, criSocket: socketUrl(input.criSocket), ...taintsOf(input.taints) },
    controlPlane: { localAPIEndpoint: { advertiseAddress: input.advertiseAddress, bindPort: input.bindPort } },
  })
}

function knownVersion(apiVersion: string): ConfigApi {
  const known = configApis.find((one) => one === apiVersion)
  if (known !== undefined) return known
  throw new QuorateError(
    'INVALID_REQUEST',
    `no JoinConfiguration of kubeadm's version ${JSON.stringify(apiVersion)} is known here`,
  )
}

/** JoinConfiguration of a control plane for `kubeadm join --config`, so that no secret is an argument. */
export function joinDocument(input: JoinDocumentInput): string {
  const { etcdTimeoutSeconds } = input
  const apiVersion = knownVersion(input.apiVersion)
  const { certificateKey, discoveryFile, patchesFolder } = input
  return document({
    apiVersion: `kubeadm.k8s.io/${apiVersion}`,
    kind: 'JoinConfiguration',
    discovery: discoveryFile === undefined ? byToken(input) : { file: { kubeConfigPath: discoveryFile } },
    nodeRegistration: {
      name: input.nodeName,
      criSocket: socketUrl(input.criSocket),
      ...(input.ignorePreflightErrors.length === 0 ? {} : { ignorePreflightErrors: input.ignorePreflightErrors }),
      ...kubeletArguments(apiVersion, input),
      ...taintsOf(input.taints),
    },
    controlPlane: {
      localAPIEndpoint: { advertiseAddress: input.advertiseAddress, bindPort: input.bindPort },
      certificateKey,
    },
    ...(patchesFolder === undefined ? {} : { patches: { directory: patchesFolder } }),
    // v1beta3 has no such timeouts (kubeadm-config.v1beta4 documentation); there kubeadm's own two minutes hold.
    ...(apiVersion !== 'v1beta3' && etcdTimeoutSeconds !== undefined
      ? { timeouts: { etcdAPICall: `${etcdTimeoutSeconds}s` } }
      : {}),
  })
}

function kubeletArguments(apiVersion: ConfigApi, { nodeIp, kubeletExtraArgs = [] }: JoinDocumentInput): object {
  const own = nodeIp === undefined ? [] : [{ name: 'node-ip', value: nodeIp }]
  const all = [...own, ...kubeletExtraArgs].map(({ name, value }) => [name, value] as const)
  return all.length === 0 ? {} : { kubeletExtraArgs: extraArgs(apiVersion, Object.fromEntries(all)) }
}

/** Unset, kubeadm gives a control plane its own taint; an empty list is none (kubeadm-config API, NodeRegistrationOptions). */
const taintsOf = (taints: readonly Taint[] | undefined): object =>
  taints === undefined
    ? {}
    : { taints: taints.map(({ key, value, effect }) => ({ key, ...(value === '' ? {} : { value }), effect })) }

/** v1beta4 has a list where v1beta3 has a map. */
const extraArgs = (apiVersion: ConfigApi, args: Readonly<Record<string, string>>) =>
  apiVersion === 'v1beta3' ? args : Object.entries(args).map(([name, value]) => ({ name, value }))

const byToken = ({ endpoint: apiServerEndpoint, token, caPins: caCertHashes }: JoinDocumentInput) => ({
  bootstrapToken: { apiServerEndpoint, token, caCertHashes },
})

/**
 * Kubeconfig for discovery by file. The token is inside: without credentials in the file kubeadm reads cluster-info anonymously here too
 * (discovery/file, since kubernetes/kubernetes#80675). That a token may not read cluster-info is no fault: kubeadm then takes server and CA of the file.
 */
export function discoveryKubeconfig({
  endpoint,
  caPem,
  token,
}: {
  endpoint: string
  caPem: string
  token: string
}): string {
  const cluster = { 'certificate-authority-data': Buffer.from(caPem).toString('base64'), server: `https://${endpoint}` }
  const [name, user] = ['kubernetes', 'tls-bootstrap-token-user']
  return document({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: `${user}@${name}`, context: { cluster: name, user } }],
    'current-context': `${user}@${name}`,
  })
}
