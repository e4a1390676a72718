import { QuorateError } from './errors.js'
import type { TextPlace } from './text-place.js'
import { setIn } from './yaml-edit.js'
import { lineOf, readYaml, type YamlPath, type YamlText, yamlError } from './yaml-text.js'

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

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const asObject = (value: unknown): Json => (isObject(value) ? value : {})
const asText = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

const parse = (text: string, place: TextPlace): YamlText => readYaml(text, 'KUBECONFIG_INVALID', place)

const invalid = (yaml: YamlText, path: YamlPath, why: string, remedy: string): QuorateError =>
  yamlError(yaml, { line: lineOf(yaml, path), why, remedy })

const nothingToRead = 'write the kubeconfig again, or put back what was there'

function configOf(yaml: YamlText): Json {
  const { value } = yaml
  if (!isObject(value))
    throw invalid(yaml, [], value === null ? 'there is no kubeconfig in it' : 'it is not a kubeconfig', nothingToRead)
  if (value['kind'] !== undefined && value['kind'] !== 'Config')
    throw invalid(yaml, ['kind'], 'its kind is not Config', `write kind: Config, or ${nothingToRead}`)
  return value
}

/** Entries of `clusters`, `contexts` or `users`; a name twice is what client-go refuses too. */
function entries(yaml: YamlText, config: Json, list: string): readonly Json[] {
  const value = config[list] ?? []
  if (!Array.isArray(value) || !value.every(isObject))
    throw invalid(yaml, [list], `${list} is not a list of maps`, `write each below ${list}: as - name: NAME`)
  const seen = new Set<string>()
  const again = value.findIndex((entry) => {
    const name = String(entry['name'] ?? '')
    return seen.size === seen.add(name).size
  })
  if (again !== -1)
    throw invalid(yaml, [list, again], `a name is used twice in ${list}`, 'delete the entry that is not used')
  return value
}

const named = (list: readonly Json[], name: string): number =>
  list.findIndex((entry) => String(entry['name'] ?? '') === name)

function contextInUse(
  yaml: YamlText,
  config: Json,
  wanted: string | undefined,
): { readonly name: string; readonly cluster: string; readonly user: string } | undefined {
  const name = wanted ?? asText(config['current-context'])
  if (name === undefined) return undefined
  const contexts = entries(yaml, config, 'contexts')
  const context = asObject(contexts[named(contexts, name)]?.['context'])
  if (typeof context['cluster'] !== 'string' && wanted !== undefined)
    throw invalid(yaml, ['contexts'], 'it has no context of that name', 'write the context, or name one that it has')
  if (typeof context['cluster'] !== 'string')
    throw invalid(
      yaml,
      ['current-context'],
      'current-context is not one of its contexts',
      'write the name of a context that the file has',
    )
  return { name, cluster: context['cluster'], user: String(context['user'] ?? '') }
}

/** Follows current-context; without one, the only cluster is meant (ConfigMap cluster-info has none). */
function inUse(yaml: YamlText, wanted?: string): InUse {
  const config = configOf(yaml)
  const clusters = entries(yaml, config, 'clusters')
  const context = contextInUse(yaml, config, wanted)
  if (context === undefined && clusters.length !== 1)
    throw invalid(
      yaml,
      ['clusters'],
      `no current-context, and ${clusters.length} clusters to choose from`,
      clusters.length === 0 ? nothingToRead : 'write current-context: and the name of the context to use',
    )
  const clusterIndex = context === undefined ? 0 : named(clusters, context.cluster)
  const cluster = clusters[clusterIndex]?.['cluster']
  if (!isObject(cluster))
    throw invalid(
      yaml,
      ['clusters'],
      'the cluster of its context is missing',
      'write the cluster that the context names',
    )
  const users = entries(yaml, config, 'users')
  const userIndex = context === undefined ? (users.length === 1 ? 0 : -1) : named(users, context.user)
  return {
    clusterIndex,
    clusterName: String(clusters[clusterIndex]?.['name'] ?? ''),
    contextName: context?.name,
    cluster,
    user: asObject(users[userIndex]?.['user']),
  }
}

/** Base64 whose end may be wrapped, as `base64` without -w0 writes it. */
const base64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/

/** Reads the cluster in use: that of current-context, else the only one. KUBECONFIG_INVALID, with the place, when it cannot be told. */
export function readKubeconfig(text: string, place: TextPlace): KubeconfigView {
  const yaml = parse(text, place)
  const { cluster, user, clusterName, contextName, clusterIndex } = inUse(yaml)
  const server = asText(cluster['server'])
  if (server === undefined)
    throw invalid(
      yaml,
      ['clusters', clusterIndex, 'cluster'],
      'its cluster has no server',
      'write server: https://HOST:PORT',
    )
  const decoded = (source: Json, key: string): string | undefined => {
    const data = asText(source[key])
    if (data === undefined) return undefined
    if (base64.test(data)) return Buffer.from(data, 'base64').toString('utf8')
    const path = source === cluster ? ['clusters', clusterIndex, 'cluster', key] : ['users']
    throw invalid(yaml, path, `${key} is not base64`, 'write what `base64 -w0 FILE` prints of the PEM file')
  }
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

/** Cluster and user of a context as the text has them, for a client that reads more than `readKubeconfig` does. */
export interface KubeconfigInUse {
  readonly clusterName: string
  /** Undefined: the file has no current-context, and one cluster. */
  readonly contextName: string | undefined
  readonly cluster: Json
  readonly user: Json
}

/** The same for a context by its name; current-context unless given. KUBECONFIG_INVALID when it cannot be found. */
export function kubeconfigInUse(text: string, place: TextPlace, context?: string): KubeconfigInUse {
  const { clusterName, contextName, cluster, user } = inUse(parse(text, place), context)
  return { clusterName, contextName, cluster, user }
}

/** INVALID_REQUEST unless it is `https://host[:port]` and nothing more. */
function checkServer(server: string): void {
  if (!/^https:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/.test(server) || !URL.canParse(server)) {
    throw new QuorateError('INVALID_REQUEST', `not a server URL: ${JSON.stringify(server.slice(0, 200))}`)
  }
}

/**
 * The kubeconfig with the server of the cluster in use replaced: only that scalar's bytes change, quotes, comments and order stay.
 * KUBECONFIG_INVALID where that cannot be done without changing another cluster too (anchors).
 */
export function pointKubeconfigAt(text: string, server: string, place: TextPlace): string {
  checkServer(server)
  const yaml = parse(text, place)
  const { clusterIndex, cluster } = inUse(yaml)
  if (!('server' in cluster))
    throw invalid(yaml, ['clusters', clusterIndex], 'its cluster has no server of its own', `write server: ${server}`)
  return setIn(yaml, ['clusters', clusterIndex, 'cluster', 'server'], server)
}

/** One cluster of a kubeconfig, whether it is in use or not. */
export interface KubeconfigClusterView {
  readonly name: string
  readonly server: string
  /** Line of its server. */
  readonly line: number
  readonly inUse: boolean
  /** Line of its proxy-url, through which client-go sends every request of it, whatever NO_PROXY says; 0 for none. */
  readonly proxyLine: number
}

/** All clusters of a kubeconfig; none where it is empty. KUBECONFIG_INVALID where it is not YAML, or not a kubeconfig at all. */
export function kubeconfigClusters(text: string, place: TextPlace): readonly KubeconfigClusterView[] {
  const yaml = parse(text, place)
  if (yaml.value === null) return []
  const config = configOf(yaml)
  const used = indexInUse(yaml)
  return entries(yaml, config, 'clusters').map((entry, index) => {
    const cluster = asObject(entry['cluster'])
    const at = (key: string) => lineOf(yaml, ['clusters', index, 'cluster', key])
    return {
      name: String(entry['name'] ?? ''),
      server: asText(cluster['server']) ?? '',
      line: at('server'),
      inUse: index === used,
      proxyLine: asText(cluster['proxy-url']) === undefined ? 0 : at('proxy-url'),
    }
  })
}

function indexInUse(yaml: YamlText): number {
  try {
    return inUse(yaml).clusterIndex
  } catch (error) {
    if (error instanceof QuorateError) return -1
    throw error
  }
}
