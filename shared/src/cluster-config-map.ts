import { isDeepStrictEqual } from 'node:util'
import { isAlias, isScalar, isSeq } from 'yaml'
import { QuorateError } from './errors.js'
import { parseEndpoint } from './names.js'
import { canonicalAddress } from './pki.js'
import { appendItems, fillEmpty, insertKey, replaceScalar, replaceValue } from './yaml-edit.js'
import { nodeAt, readYaml, type YamlText } from './yaml-text.js'

export interface ExternalEtcdConfiguration {
  readonly kind: 'external'
  /** What every API server gets as --etcd-servers. */
  readonly endpoints: readonly string[]
  /** Of the client's side; empty where etcd is spoken to without TLS. */
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
}

export type EtcdConfiguration = { readonly kind: 'local'; readonly dataDir: string } | ExternalEtcdConfiguration

/** What of kubeadm's ClusterConfiguration matters here; kubeadm's defaults where it says nothing. */
export interface ClusterConfigurationView {
  /** Without its group: `v1beta3`, `v1beta4`. */
  readonly apiVersion: string
  readonly kubernetesVersion: string
  readonly controlPlaneEndpoint?: string
  readonly certSans: readonly string[]
  readonly certificatesDir: string
  readonly imageRepository: string
  readonly clusterName: string
  readonly serviceSubnet: string
  readonly dnsDomain: string
  readonly etcd: EtcdConfiguration
  readonly featureGates: Readonly<Record<string, boolean>>
}

type Json = Readonly<Record<string, unknown>>

const what = 'ClusterConfiguration'
const invalid = (why: string): QuorateError =>
  new QuorateError('CONFIG_MAP_INVALID', `${what}: ${why}`, { where: 'configmap/kube-system/kubeadm-config' })

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

function part(source: Json, key: string): Json {
  const value = source[key] ?? {}
  if (!isObject(value)) throw invalid(`${key} is not a map`)
  return value
}

function text(source: Json, key: string, otherwise: string): string {
  const value = source[key] ?? ''
  if (typeof value === 'object') throw invalid(`${key} is not a string`)
  return String(value) === '' ? otherwise : String(value)
}

function texts(source: Json, key: string): readonly string[] {
  const value = source[key] ?? []
  if (!Array.isArray(value) || value.some((item) => typeof item === 'object'))
    throw invalid(`${key} is not a list of strings`)
  return value.map(String)
}

function etcdConfiguration(configuration: Json): EtcdConfiguration {
  const etcd = part(configuration, 'etcd')
  if (etcd['external'] !== undefined && etcd['external'] !== null) {
    const external = part(etcd, 'external')
    const [caFile, certFile, keyFile] = ['caFile', 'certFile', 'keyFile'].map((key) => text(external, key, '')) as [
      string,
      string,
      string,
    ]
    return { kind: 'external', endpoints: texts(external, 'endpoints'), caFile, certFile, keyFile }
  }
  return { kind: 'local', dataDir: text(part(etcd, 'local'), 'dataDir', '/var/lib/etcd') }
}

function parse(source: string): YamlText & { readonly value: Json; readonly apiVersion: string } {
  const yaml = readYaml(source, 'CONFIG_MAP_INVALID', what)
  const { value } = yaml
  if (!isObject(value) || value['kind'] !== 'ClusterConfiguration')
    throw invalid('its kind is not ClusterConfiguration')
  const apiVersion = /^kubeadm\.k8s\.io\/(v[0-9][a-z0-9]*)$/.exec(String(value['apiVersion']))?.[1]
  if (apiVersion === undefined) throw invalid('its apiVersion is not one of kubeadm.k8s.io')
  return { ...yaml, value, apiVersion }
}

/** Reads `data.ClusterConfiguration` of ConfigMap kubeadm-config; CONFIG_MAP_INVALID when it is not one. */
export function readClusterConfiguration(source: string): ClusterConfigurationView {
  const { value, apiVersion } = parse(source)
  const networking = part(value, 'networking')
  const kubernetesVersion = text(value, 'kubernetesVersion', '')
  if (kubernetesVersion === '') throw invalid('it has no kubernetesVersion')
  const controlPlaneEndpoint = text(value, 'controlPlaneEndpoint', '')
  return {
    apiVersion,
    kubernetesVersion,
    ...(controlPlaneEndpoint === '' ? {} : { controlPlaneEndpoint }),
    certSans: texts(part(value, 'apiServer'), 'certSANs'),
    certificatesDir: text(value, 'certificatesDir', '/etc/kubernetes/pki'),
    imageRepository: text(value, 'imageRepository', 'registry.k8s.io'),
    clusterName: text(value, 'clusterName', 'kubernetes'),
    serviceSubnet: text(networking, 'serviceSubnet', '10.96.0.0/12'),
    dnsDomain: text(networking, 'dnsDomain', 'cluster.local'),
    etcd: etcdConfiguration(value),
    featureGates: Object.fromEntries(
      Object.entries(part(value, 'featureGates')).map(([gate, on]) => [gate, on === true]),
    ),
  }
}

/** Replaces or adds one scalar of the document's top level. */
function setTopLevel(source: string, key: string, value: string): string {
  const yaml = parse(source)
  const node = nodeAt(yaml, [key])
  if (yaml.value[key] === value) return source
  if (node === undefined && yaml.value[key] === undefined) return insertKey(yaml, [], { [key]: value })
  if (node === undefined || (!isScalar(node) && !isAlias(node))) throw invalid(`${key} is not a string`)
  return replaceScalar(yaml, node, value)
}

function addCertSans(source: string, sans: readonly string[]): string {
  const yaml = parse(source)
  if (sans.length === 0) return source
  const apiServer = nodeAt(yaml, ['apiServer'])
  if (apiServer === undefined && yaml.value['apiServer'] === undefined)
    return insertKey(yaml, [], { apiServer: { certSANs: sans } })
  if (Object.keys(part(yaml.value, 'apiServer')).length === 0)
    return fillEmpty(yaml, [], 'apiServer', { certSANs: sans })
  const list = nodeAt(yaml, ['apiServer', 'certSANs'])
  if (isSeq(list) && list.items.length > 0) return appendItems(yaml, ['apiServer', 'certSANs'], sans)
  if (list === undefined && !('certSANs' in part(yaml.value, 'apiServer')))
    return insertKey(yaml, ['apiServer'], { certSANs: sans })
  return fillEmpty(yaml, ['apiServer'], 'certSANs', sans)
}

/** The names of `wanted` that `present` lacks, each once; addresses are compared as addresses. */
function missing(present: readonly string[], wanted: readonly string[]): readonly string[] {
  const known = new Set(present.map(canonicalAddress))
  return wanted.filter((name) => {
    const canonical = canonicalAddress(name)
    return known.has(canonical) ? false : known.add(canonical) !== undefined
  })
}

/** Proves an edit by its meaning: the document after it is the one before it but for what was wanted. */
function proved(before: string, after: string, wanted: (configuration: Record<string, unknown>) => void): string {
  const expected = structuredClone(parse(before).value) as Record<string, unknown>
  wanted(expected)
  if (!isDeepStrictEqual(parse(after).value, expected)) {
    throw new QuorateError('CONFIG_MAP_INVALID', `${what}: it cannot be edited without changing another part of it`, {
      where: 'configmap/kube-system/kubeadm-config',
      remedy: 'Write it without anchors, aliases and merge keys, as kubeadm does.',
    })
  }
  return after
}

/**
 * The ClusterConfiguration with `controlPlaneEndpoint` (`name:port`) set and `certSans` joined to `apiServer.certSANs`, edited in
 * place: API version, order and comments stay, and not another field changes in meaning.
 */
export function setControlPlaneEndpoint(source: string, endpoint: string, certSans: readonly string[]): string {
  if (parseEndpoint(endpoint) === undefined)
    throw new QuorateError('INVALID_REQUEST', `not name:port: ${JSON.stringify(endpoint)}`)
  const present = texts(part(parse(source).value, 'apiServer'), 'certSANs')
  const added = missing(present, certSans)
  const edited = addCertSans(setTopLevel(source, 'controlPlaneEndpoint', endpoint), added)
  return proved(source, edited, (configuration) => {
    configuration['controlPlaneEndpoint'] = endpoint
    if (added.length > 0)
      configuration['apiServer'] = { ...part(configuration, 'apiServer'), certSANs: [...present, ...added] }
  })
}

/** The ClusterConfiguration with one of kubeadm's feature gates on, edited in place; nothing else changes in meaning. */
export function turnOnFeatureGate(source: string, gate: string): string {
  const yaml = parse(source)
  const gates = part(yaml.value, 'featureGates')
  if (gates[gate] === true) return source
  return proved(source, withGate(yaml, gate, gates), (configuration) => {
    configuration['featureGates'] = { ...gates, [gate]: true }
  })
}

function withGate(yaml: ReturnType<typeof parse>, gate: string, gates: Json): string {
  const path = ['featureGates']
  if (!('featureGates' in yaml.value)) return insertKey(yaml, [], { featureGates: { [gate]: true } })
  if (Object.keys(gates).length === 0) return fillEmpty(yaml, [], 'featureGates', { [gate]: true })
  if (!(gate in gates)) return insertKey(yaml, path, { [gate]: true })
  const node = nodeAt(yaml, [...path, gate])
  if (!isScalar(node)) throw invalid(`featureGates.${gate} is neither true nor false`)
  return replaceValue(yaml, node, 'true')
}

/** A copy for staging certificates in another folder; never to be uploaded. */
export function withCertificatesDir(source: string, directory: string): string {
  if (!/^\/[A-Za-z0-9._/-]+$/.test(directory))
    throw new QuorateError('INVALID_REQUEST', `not a folder: ${JSON.stringify(directory)}`)
  return proved(source, setTopLevel(source, 'certificatesDir', directory), (configuration) => {
    configuration['certificatesDir'] = directory
  })
}

/** extraArgs of kube-apiserver by name, a map up to v1beta3 and a list since v1beta4; empty where the text is no ClusterConfiguration. */
export function apiServerExtraArgs(source: string): ReadonlyMap<string, string> {
  if (source === '') return new Map()
  const args = part(parse(source).value, 'apiServer')['extraArgs']
  if (Array.isArray(args)) return new Map(args.map((arg) => [String(arg?.name), String(arg?.value)]))
  return new Map(Object.entries(isObject(args) ? args : {}).map(([name, value]) => [name, String(value)]))
}
