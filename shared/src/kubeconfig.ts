import { isDeepStrictEqual } from 'node:util'
import { isAlias, isScalar, visit } from 'yaml'
import { QuorateError } from './errors.js'
import { redact } from './redact.js'
import { replaceScalar } from './yaml-edit.js'
import { nodeAt, readYaml, type YamlPath, type YamlText } from './yaml-text.js'

/** What a kubeconfig says of the cluster in use and of the user's credentials; PEM texts are decoded. */
export interface KubeconfigView {
  readonly server: string
  /** Empty in the kubeconfig of ConfigMap cluster-info. */
  readonly clusterName: string
  readonly contextName?: string
  readonly caPem?: string
  readonly caPath?: string
  readonly clientCertificatePem?: string
  readonly clientKeyPem?: string
  readonly clientCertificatePath?: string
  readonly clientKeyPath?: string
}

type Json = Readonly<Record<string, unknown>>

interface InUse {
  readonly clusterIndex: number
  readonly clusterName: string
  readonly contextName: string | undefined
  readonly cluster: Json
  readonly user: Json
}

const invalid = (why: string, remedy?: string): QuorateError =>
  new QuorateError('KUBECONFIG_INVALID', why, remedy === undefined ? {} : { remedy })

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const asObject = (value: unknown): Json => (isObject(value) ? value : {})
const asText = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** Entries of `clusters`, `contexts` or `users`; a name twice is what client-go refuses too. */
function entries(config: Json, list: string): readonly Json[] {
  const value = config[list] ?? []
  if (!Array.isArray(value) || !value.every(isObject)) throw invalid(`kubeconfig: ${list} is not a list of maps`)
  const names = value.map((entry) => String(entry['name'] ?? ''))
  if (new Set(names).size !== names.length) throw invalid(`kubeconfig: a name is used twice in ${list}`)
  return value
}

const named = (list: readonly Json[], name: string): number =>
  list.findIndex((entry) => String(entry['name'] ?? '') === name)

function contextInUse(
  config: Json,
): { readonly name: string; readonly cluster: string; readonly user: string } | undefined {
  const name = asText(config['current-context'])
  if (name === undefined) return undefined
  const contexts = entries(config, 'contexts')
  const context = asObject(contexts[named(contexts, name)]?.['context'])
  if (typeof context['cluster'] !== 'string')
    throw invalid(`kubeconfig: current-context ${JSON.stringify(name)} is not one of its contexts`)
  return { name, cluster: context['cluster'], user: String(context['user'] ?? '') }
}

/** Follows current-context; without one, the only cluster is meant (ConfigMap cluster-info has none). */
function inUse(config: unknown): InUse {
  if (!isObject(config)) throw invalid('kubeconfig: not a map')
  if (config['kind'] !== undefined && config['kind'] !== 'Config') throw invalid('kubeconfig: its kind is not Config')
  const clusters = entries(config, 'clusters')
  const context = contextInUse(config)
  if (context === undefined && clusters.length !== 1)
    throw invalid(`kubeconfig: no current-context, and ${clusters.length} clusters to choose from`)
  const clusterIndex = context === undefined ? 0 : named(clusters, context.cluster)
  const cluster = clusters[clusterIndex]?.['cluster']
  if (!isObject(cluster)) throw invalid(`kubeconfig: the cluster of its context is missing`)
  const users = entries(config, 'users')
  const userIndex = context === undefined ? (users.length === 1 ? 0 : -1) : named(users, context.user)
  return {
    clusterIndex,
    clusterName: String(clusters[clusterIndex]?.['name'] ?? ''),
    contextName: context?.name,
    cluster,
    user: asObject(users[userIndex]?.['user']),
  }
}

function decoded(source: Json, key: string): string | undefined {
  const text = asText(source[key])
  if (text === undefined) return undefined
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text)) throw invalid(`kubeconfig: ${key} is not base64`)
  return Buffer.from(text, 'base64').toString('utf8')
}

const parse = (text: string): YamlText => readYaml(text, 'KUBECONFIG_INVALID', 'kubeconfig')

/** Reads the cluster in use: that of current-context, else the only one. KUBECONFIG_INVALID when it cannot be told. */
export function readKubeconfig(text: string): KubeconfigView {
  const { cluster, user, clusterName, contextName } = inUse(parse(text).value)
  const server = asText(cluster['server'])
  if (server === undefined) throw invalid('kubeconfig: its cluster has no server')
  const view: { [Key in keyof KubeconfigView]: KubeconfigView[Key] | undefined } = {
    server,
    clusterName,
    contextName,
    caPem: decoded(cluster, 'certificate-authority-data'),
    caPath: asText(cluster['certificate-authority']),
    clientCertificatePem: decoded(user, 'client-certificate-data'),
    clientKeyPem: decoded(user, 'client-key-data'),
    clientCertificatePath: asText(user['client-certificate']),
    clientKeyPath: asText(user['client-key']),
  }
  return Object.fromEntries(
    Object.entries(view).filter(([, value]) => value !== undefined),
  ) as unknown as KubeconfigView
}

/** INVALID_REQUEST unless it is `https://host[:port]` and nothing more. */
function checkServer(server: string): void {
  if (!/^https:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/.test(server) || !URL.canParse(server)) {
    throw new QuorateError('INVALID_REQUEST', `not a server URL: ${JSON.stringify(server.slice(0, 200))}`)
  }
}

function withServer(config: unknown, path: YamlPath, server: string): unknown {
  const copy: unknown = structuredClone(config)
  const cluster = path
    .slice(0, -1)
    .reduce<unknown>((part, key) => (part as Record<string | number, unknown>)[key], copy)
  ;(cluster as Record<string, unknown>)['server'] = server
  return copy
}

/**
 * The kubeconfig with the server of the cluster in use replaced: only that scalar's bytes change, quotes, comments and order stay.
 * KUBECONFIG_INVALID where that cannot be done without changing another cluster too (anchors, merge keys).
 */
export function pointKubeconfigAt(text: string, server: string): string {
  checkServer(server)
  const yaml = parse(text)
  const { clusterIndex, cluster } = inUse(yaml.value)
  if (asText(cluster['server']) === server) return text
  const path: YamlPath = ['clusters', clusterIndex, 'cluster', 'server']
  const node = nodeAt(yaml, path)
  const remedy = 'Write the server of this cluster out in the file, without anchors and merge keys.'
  if (!isScalar(node) && !isAlias(node)) throw invalid('kubeconfig: its cluster has no server of its own', remedy)
  const edited = replaceScalar(yaml, node, server)
  if (!isDeepStrictEqual(parse(edited).value, withServer(yaml.value, path, server))) {
    throw invalid('kubeconfig: its server cannot be replaced without changing another part of the file', remedy)
  }
  return edited
}

const secretKeys = new Set([
  'client-key-data',
  'token',
  'password',
  'id-token',
  'refresh-token',
  'access-token',
  'client-secret',
])

/** The kubeconfig for a person to read or compare: every secret in it replaced; of text that is no YAML nothing is shown. */
export function redactKubeconfig(text: string): string {
  const spans: { readonly start: number; readonly end: number }[] = []
  try {
    visit(parse(text).document, {
      Pair(_, pair, path) {
        const inEnvironment = path.some((part) => 'key' in part && isScalar(part.key) && part.key.value === 'env')
        const key = isScalar(pair.key) ? String(pair.key.value) : ''
        if (!isScalar(pair.value) || !(secretKeys.has(key) || (inEnvironment && key === 'value'))) return
        const [start, end] = pair.value.range ?? [0, 0]
        spans.push({ start, end: start + text.slice(start, end).trimEnd().length })
      },
    })
  } catch (error) {
    if (!(error instanceof QuorateError)) throw error
    return '[redacted: not readable as YAML]\n'
  }
  const cut = spans
    .reverse()
    .reduce((clean, { start, end }) => `${clean.slice(0, start)}[redacted]${clean.slice(end)}`, text)
  return redact(cut)
}
