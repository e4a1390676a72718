import { isAlias, isPair, isScalar, isSeq, type Scalar, visit } from 'yaml'
import { QuorateError } from './errors.js'
import { redact } from './redact.js'
import { setIn } from './yaml-edit.js'
import { lineOf, readYaml, type YamlText } from './yaml-text.js'

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

/**
 * The kubeconfig with the server of the cluster in use replaced: only that scalar's bytes change, quotes, comments and order stay.
 * KUBECONFIG_INVALID where that cannot be done without changing another cluster too (anchors).
 */
export function pointKubeconfigAt(text: string, server: string): string {
  checkServer(server)
  const yaml = parse(text)
  const { clusterIndex, cluster } = inUse(yaml.value)
  if (!('server' in cluster)) throw invalid('kubeconfig: its cluster has no server of its own')
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
export function kubeconfigClusters(text: string): readonly KubeconfigClusterView[] {
  const yaml = parse(text)
  if (yaml.value === null) return []
  if (!isObject(yaml.value)) throw invalid('kubeconfig: not a map')
  const used = indexInUse(yaml.value)
  return entries(yaml.value, 'clusters').map((entry, index) => {
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

function indexInUse(config: Json): number {
  try {
    return inUse(config).clusterIndex
  } catch (error) {
    if (error instanceof QuorateError) return -1
    throw error
  }
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

/** A word of a command line whose next word is a secret: `--client-secret`. */
const secretFlag = /^--?[\w-]*(?:token|password|secret)[\w-]*$/i

/**
 * The kubeconfig for a person to read or compare: every secret in it replaced, its structure as it was, so that it can be edited as the file
 * itself will be. Of text that is no YAML nothing is shown.
 */
export function redactKubeconfig(text: string): string {
  try {
    const { document } = parse(text)
    const anchors = secretAnchors(document)
    let clean = ''
    let done = 0
    visit(document, {
      Scalar(key, node, path) {
        const [start, end] = node.range ?? [0, 0]
        const source = text.slice(start, end).trimEnd()
        const secret = key !== 'key' && (isSecret(node, path) || anchors.has(node.anchor ?? ''))
        clean += betweenScalars(text.slice(done, start)) + redactedScalar(node, source, secret)
        done = start + source.length
      },
    })
    return clean + betweenScalars(text.slice(done))
  } catch (error) {
    if (!(error instanceof QuorateError)) throw error
    return '[redacted: not readable as YAML]\n'
  }
}

/** A secret may stand elsewhere in the file, with an anchor. */
function secretAnchors(document: YamlText['document']): ReadonlySet<string> {
  const anchors = new Set<string>()
  visit(document, {
    Pair(_, { key, value }) {
      if (isScalar(key) && secretKeys.has(String(key.value)) && isAlias(value)) anchors.add(value.source)
    },
  })
  return anchors
}

/** Comments are all the text that stands there. */
const betweenScalars = (text: string): string => text.replaceAll(/#[^\n]*(?:\n[ \t]*#[^\n]*)*/g, redact)

/** In quotes: brackets of our own would be a list. */
function redactedScalar(node: Scalar, source: string, secret: boolean): string {
  const value = String(node.value ?? '')
  const clean = secret ? '[redacted]' : redact(value)
  return clean === value ? source : JSON.stringify(clean)
}

function isSecret(node: Scalar, path: readonly unknown[]): boolean {
  if (node.value === null || node.value === '') return false
  const parent = path.at(-1)
  if (isSeq(parent)) {
    const before = parent.items[parent.items.indexOf(node) - 1]
    return isScalar(before) && secretFlag.test(String(before.value))
  }
  const key = isPair(parent) && isScalar(parent.key) ? String(parent.key.value) : ''
  const inEnvironment = path.some((part) => isPair(part) && isScalar(part.key) && part.key.value === 'env')
  const named = `${key}: ${String(node.value)}`
  // The second fence knows more keys than those of a kubeconfig.
  const isNamed = redact(named) !== named && redact(String(node.value)) === String(node.value)
  return secretKeys.has(key) || isNamed || (inEnvironment && key === 'value')
}
