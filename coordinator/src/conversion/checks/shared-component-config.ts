import { lineOf, scalarsOf, type YamlPath, type YamlText } from '@quorate/shared/yaml-text'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { sharedKubeletConfig, sharedProxyConfig } from '../facts/component-configs.js'
import { type Owners, oneNodesHosts, ownersOf } from '../facts/one-nodes-values.js'
import type { Check } from './check.js'

const id = 'shared-component-config'

/** A configuration that kubeadm gives to every node. */
interface Shared {
  readonly configMap: string
  readonly key: string
  readonly kind: string
  /** Fields that always belong to one node. */
  readonly always: readonly string[]
  /** Fields with an address that the program listens on or advertises. */
  readonly own: RegExp
  /** Fields with servers that every node uses, and that fail with the machine they run on. */
  readonly asked: readonly string[]
  readonly afterwards: string
}

const kubelet: Shared = {
  configMap: 'kubelet-config',
  key: 'kubelet',
  kind: 'KubeletConfiguration',
  always: ['providerID'],
  own: /^(address|healthzBindAddress)$/,
  asked: ['clusterDNS', 'staticPodURL'],
  afterwards: 'A node that needs a value of its own gets it by a patch of kubeadm (target kubeletconfiguration).',
}

const kubeProxy: Shared = {
  configMap: 'kube-proxy',
  key: 'config.conf',
  kind: 'KubeProxyConfiguration',
  always: ['hostnameOverride'],
  own: /^(bindAddress|healthzBindAddress|metricsBindAddress|nodePortAddresses)$/,
  asked: [],
  afterwards: 'Then: kubectl -n kube-system rollout restart daemonset kube-proxy',
}

/** Each joiner's kubelet and kube-proxy is started with them, and could not listen on another machine's address (kubeadm#2647). */
export const sharedComponentConfig: Check = {
  id,
  title: 'kubelet-config and the kube-proxy configuration hold no node-specific value',
  async check(run) {
    const facts = await run.clusterFacts()
    const owners = await ownersOf(run)
    return [
      ...ofText(run, owners, kubelet, sharedKubeletConfig(facts)),
      ...ofText(run, owners, kubeProxy, sharedProxyConfig(facts)),
    ]
  },
}

function ofText(run: ConversionRun, owners: Owners, shared: Shared, yaml: YamlText | undefined): Finding[] {
  if (yaml === undefined) return []
  const { edit } = yaml.place
  return [...scalarsOf(yaml.value)].flatMap(({ path, value }) => {
    const why = typeof value === 'string' ? whose(run, owners, shared, { path, value }) : undefined
    return why === undefined ? [] : [finding(yaml, shared, { path, value: String(value), edit, ...why })]
  })
}

interface Whose {
  readonly owner: string
  readonly isAsked: boolean
}

function whose(
  run: ConversionRun,
  owners: Owners,
  { always, own, asked }: Shared,
  { path, value }: { readonly path: YamlPath; readonly value: string },
): Whose | undefined {
  const [field = ''] = path.map(String)
  if (always.includes(field)) return value === '' ? undefined : { owner: 'one node', isAsked: false }
  const [found] = oneNodesHosts(run, owners, { value, isOwn: own.test(field) })
  return found === undefined ? undefined : { owner: found.owner, isAsked: asked.includes(field) }
}

function finding(
  yaml: YamlText,
  { configMap, key, kind, afterwards }: Shared,
  seen: { readonly path: YamlPath; readonly value: string; readonly edit: string } & Whose,
): Finding {
  const { path, value, edit, owner, isAsked } = seen
  const line = lineOf(yaml, path)
  const [field = ''] = path.map(String)
  const where = { id, evidence: `${configMap}, line ${line} of ${key}: ${field}: ${value}` }
  const opened = `${edit}, then in line ${line} of ${key}`
  if (isAsked)
    return {
      ...{ ...where, severity: 'warning' },
      message: `${kind} has every node ask ${owner} by ${field}: while that machine is down, name resolution fails`,
      remedy: `${opened}: name a server that outlives ${owner}. If this is intended, add ${id} to policy.ignoreFindings with the reason.`,
    }
  return {
    ...{ ...where, severity: 'error' },
    message: `${kind} sets ${field} for all nodes, but its value belongs to ${owner}`,
    remedy: `${opened}: delete ${field}. ${afterwards}`,
  }
}
