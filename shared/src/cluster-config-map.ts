import { QuorateError } from './errors.js'
import { parseEndpoint } from './names.js'
import { canonicalAddress } from './pki.js'
import { clusterTexts } from './text-place.js'
import { editIn, setIn } from './yaml-edit.js'
import { clusterConfigurationLimits } from './yaml-limits.js'
import { lineOf, readYaml, valueAt, type YamlPath, type YamlText, yamlError } from './yaml-text.js'

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
  /** Empty where none is set. */
  readonly podSubnet: string
  readonly dnsDomain: string
  readonly etcd: EtcdConfiguration
  readonly featureGates: Readonly<Record<string, boolean>>
}

type Json = Readonly<Record<string, unknown>>

const what = 'ClusterConfiguration'

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

function invalid(yaml: YamlText, path: YamlPath, why: string, remedy: string): QuorateError {
  return yamlError(yaml, { line: lineOf(yaml, path), why: `${path.join('.')} ${why}`, remedy })
}

function part(yaml: YamlText, ...path: string[]): Json {
  const value = valueAt(yaml.value, path) ?? {}
  if (isObject(value)) return value
  throw invalid(
    yaml,
    path,
    'is not a map',
    `write its fields below ${path.at(-1)}:, each on a line of its own, or delete it`,
  )
}

function text(yaml: YamlText, path: readonly string[], otherwise: string): string {
  part(yaml, ...path.slice(0, -1))
  const value = valueAt(yaml.value, path) ?? ''
  if (typeof value === 'object') throw invalid(yaml, path, 'is not a string', 'write one value, in quotes')
  return String(value) === '' ? otherwise : String(value)
}

function texts(yaml: YamlText, path: readonly string[]): readonly string[] {
  part(yaml, ...path.slice(0, -1))
  const value = valueAt(yaml.value, path) ?? []
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.map(String)
  throw invalid(yaml, path, 'is not a list of strings', 'write each on a line of its own, with a dash before it')
}

function etcdConfiguration(yaml: YamlText): EtcdConfiguration {
  const { external } = part(yaml, 'etcd')
  if (external === undefined || external === null)
    return { kind: 'local', dataDir: text(yaml, ['etcd', 'local', 'dataDir'], '/var/lib/etcd') }
  const file = (key: string): string => text(yaml, ['etcd', 'external', key], '')
  const endpoints = texts(yaml, ['etcd', 'external', 'endpoints'])
  return { kind: 'external', endpoints, caFile: file('caFile'), certFile: file('certFile'), keyFile: file('keyFile') }
}

function parse(source: string): YamlText & { readonly value: Json; readonly apiVersion: string } {
  const yaml = readYaml(source, 'CONFIG_MAP_INVALID', clusterTexts.clusterConfiguration, clusterConfigurationLimits)
  const { value } = yaml
  if (!isObject(value) || value['kind'] !== what)
    throw invalid(yaml, ['kind'], `is not ${what}`, `write kind: ${what}, and delete what is another document`)
  const apiVersion = /^kubeadm\.k8s\.io\/(v[0-9][a-z0-9]*)$/.exec(String(value['apiVersion']))?.[1]
  if (apiVersion === undefined)
    throw invalid(
      yaml,
      ['apiVersion'],
      'is not a version of kubeadm.k8s.io',
      'write apiVersion: kubeadm.k8s.io/v1beta4, or the one that `kubeadm config print init-defaults` has',
    )
  return { ...yaml, value, apiVersion }
}

/** Reads `data.ClusterConfiguration` of ConfigMap kubeadm-config; CONFIG_MAP_INVALID when it is not one. */
export function readClusterConfiguration(source: string): ClusterConfigurationView {
  const yaml = parse(source)
  const kubernetesVersion = text(yaml, ['kubernetesVersion'], '')
  if (kubernetesVersion === '')
    throw invalid(
      yaml,
      ['kubernetesVersion'],
      'is missing',
      "write kubernetesVersion: and the version that `kubectl version` calls the server's",
    )
  const controlPlaneEndpoint = text(yaml, ['controlPlaneEndpoint'], '')
  return {
    apiVersion: yaml.apiVersion,
    kubernetesVersion,
    ...(controlPlaneEndpoint === '' ? {} : { controlPlaneEndpoint }),
    certSans: texts(yaml, sansPath),
    certificatesDir: text(yaml, ['certificatesDir'], '/etc/kubernetes/pki'),
    imageRepository: text(yaml, ['imageRepository'], 'registry.k8s.io'),
    clusterName: text(yaml, ['clusterName'], 'kubernetes'),
    serviceSubnet: text(yaml, ['networking', 'serviceSubnet'], '10.96.0.0/12'),
    podSubnet: text(yaml, ['networking', 'podSubnet'], ''),
    dnsDomain: text(yaml, ['networking', 'dnsDomain'], 'cluster.local'),
    etcd: etcdConfiguration(yaml),
    featureGates: Object.fromEntries(
      Object.entries(part(yaml, 'featureGates')).map(([gate, on]) => [gate, on === true]),
    ),
  }
}

const sansPath = ['apiServer', 'certSANs']

/** The names of `wanted` that `present` lacks, each once; addresses are compared as addresses. */
function missing(present: readonly string[], wanted: readonly string[]): readonly string[] {
  const known = new Set(present.map(canonicalAddress))
  return wanted.filter((name) => {
    const canonical = canonicalAddress(name)
    return known.has(canonical) ? false : known.add(canonical) !== undefined
  })
}

/**
 * The ClusterConfiguration with `controlPlaneEndpoint` (`name:port`) set and `certSans` joined to `apiServer.certSANs`, edited in
 * place: API version, order and comments stay, and not another field changes in meaning.
 */
export function setControlPlaneEndpoint(source: string, endpoint: string, certSans: readonly string[]): string {
  if (parseEndpoint(endpoint) === undefined)
    throw new QuorateError('INVALID_REQUEST', `not name:port: ${JSON.stringify(endpoint)}`)
  const yaml = parse(source)
  const added = missing(texts(yaml, sansPath), certSans)
  const withEndpoint = editIn(yaml, ['controlPlaneEndpoint'], endpoint)
  if (added.length === 0) return withEndpoint.text
  const present = (valueAt(yaml.value, sansPath) ?? []) as readonly string[]
  return setIn(withEndpoint, sansPath, [...present, ...added])
}

/** The ClusterConfiguration with one of kubeadm's feature gates on, edited in place; nothing else changes in meaning. */
export function turnOnFeatureGate(source: string, gate: string): string {
  return setIn(parse(source), ['featureGates', gate], true)
}

/** A copy for staging certificates in another folder; never to be uploaded. */
export function withCertificatesDir(source: string, directory: string): string {
  if (!/^\/[A-Za-z0-9._/-]+$/.test(directory))
    throw new QuorateError('INVALID_REQUEST', `not a folder: ${JSON.stringify(directory)}`)
  return setIn(parse(source), ['certificatesDir'], directory)
}

/** A flag that kubeadm-config gives a component of every control plane. */
export interface ExtraArg {
  /** `apiServer`, `controllerManager`, `scheduler`, `etcd.local`. */
  readonly of: string
  /** Without dashes. */
  readonly flag: string
  readonly value: string
  readonly line: number
}

const argPaths: readonly (readonly string[])[] = [
  ['apiServer'],
  ['controllerManager'],
  ['scheduler'],
  ['etcd', 'local'],
]

/** extraArgs of every component: a map up to v1beta3, a list since v1beta4. Empty where the text is none. */
export function extraArgs(source: string): readonly ExtraArg[] {
  if (source === '') return []
  const yaml = parse(source)
  return argPaths.flatMap((path): ExtraArg[] => {
    const at = [...path, 'extraArgs']
    const args = valueAt(yaml.value, at)
    const of = path.join('.')
    if (Array.isArray(args))
      return args.map((arg, index) => ({
        ...{ of, flag: flagName(arg?.name), value: String(arg?.value ?? '') },
        line: lineOf(yaml, [...at, index, 'value']),
      }))
    const map = Object.entries(isObject(args) ? args : {})
    return map.map(([name, value]) => ({
      ...{ of, flag: flagName(name), value: String(value ?? ''), line: lineOf(yaml, [...at, name]) },
    }))
  })
}

/** People write the dashes too. */
const flagName = (name: unknown): string => String(name ?? '').replace(/^--?/, '')
