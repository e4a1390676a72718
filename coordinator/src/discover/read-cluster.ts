import { isIP } from 'node:net'
import { readClusterConfiguration } from '@quorate/shared/cluster-config-map'
import { QuorateError } from '@quorate/shared/errors'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { parseVersion } from '@quorate/shared/kubernetes-version'
import { isDnsName } from '@quorate/shared/names'
import { clusterTexts } from '@quorate/shared/text-place'
import { z } from 'zod'
import { balancerOf, type Pod, podPage } from './balancer.js'
import type { KubeReader } from './kube-reader.js'
import type { ClusterSight, Machine } from './sight.js'

const node = z.object({
  metadata: z.object({
    name: z.string().refine(isDnsName),
    labels: z.record(z.string(), z.string()).nullish(),
    creationTimestamp: z.string().nullish(),
  }),
  status: z
    .object({
      addresses: z.array(z.object({ type: z.string(), address: z.string() })).nullish(),
      nodeInfo: z.object({ kubeletVersion: z.string() }).nullish(),
    })
    .nullish(),
})

type Node = z.output<typeof node>

const listMeta = z.object({ continue: z.string().optional() }).optional()
const nodePage = z.object({ metadata: listMeta, items: z.array(node) })
const configMap = z.object({ data: z.record(z.string(), z.string()).optional() })

/** What the user of a kubeconfig must be allowed to do for a draft without further questions. */
export const neededVerbs =
  'list nodes; get configmaps kubeadm-config and kube-proxy in namespace kube-system; list pods in namespace kube-system'

const kubeSystem = '/api/v1/namespaces/kube-system'
const roles = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']

/** Reads of a cluster what a cluster file names. What may not be read becomes a question; CLUSTER_NOT_READ without its Nodes. */
export async function readCluster(reader: KubeReader, clusterName: string): Promise<ClusterSight> {
  const nodes = await nodesOf(reader)
  const [first, ...others] = nodes.filter(isControlPlane).sort(byAge)
  const [config, proxy] = await Promise.all([
    reader.get(`${kubeSystem}/configmaps/kubeadm-config`, configMap),
    reader.get(`${kubeSystem}/configmaps/kube-proxy`, configMap),
  ])
  if (first === undefined || config === 'absent') throw notKubeadm(reader.server, config === 'absent')
  const controlPlanes = [first, ...others]
  const pods = await podsOn(reader, controlPlanes)
  const kubeadm = config === 'forbidden' ? undefined : kubeadmOf(config.data?.['ClusterConfiguration'] ?? '')
  return {
    server: reader.server,
    version: kubeadm?.version ?? versionOf(first),
    name: nameOf([
      { value: kubeadm?.clusterName, from: 'clusterName of kubeadm-config' },
      { value: clusterName, from: 'the cluster in the kubeconfig' },
    ]),
    controlPlanes: controlPlanes.map((one) => machineOf(one, 'Node of the cluster, exists')),
    workers: nodes.filter((one) => !isControlPlane(one)).map((one) => machineOf(one, 'Node of the cluster')),
    endpoint: kubeadm === undefined ? 'unread' : kubeadm.endpoint,
    apiPort: portOfPods(pods) ?? portOfProxy(proxy, kubeadm?.endpoint),
    balancer: balancerOf(pods ?? []),
    notes: [
      ...(config === 'forbidden'
        ? ['kubeadm-config may not be read by this user, so the endpoint is a question.']
        : []),
      ...(pods === undefined
        ? ['Pods of kube-system may not be read by this user: a load balancer there is not seen.']
        : []),
      ...(proxy === 'absent' ? ['The cluster has no kube-proxy.'] : []),
    ],
  }
}

async function nodesOf(reader: KubeReader): Promise<readonly Node[]> {
  const nodes = await reader.list('/api/v1/nodes', nodePage)
  if (nodes === 'forbidden')
    throw new QuorateError('CLUSTER_NOT_READ', 'the user of the kubeconfig may not list nodes (403)', {
      where: reader.server,
      remedy: `Grant it, by a ClusterRole and a binding: ${neededVerbs}. Or use /etc/kubernetes/admin.conf.`,
    })
  if (nodes !== 'absent') return nodes
  throw new QuorateError('CLUSTER_NOT_READ', 'the server has no Nodes (404): it is not a Kubernetes API server', {
    where: reader.server,
    remedy: 'Check the server of the kubeconfig.',
  })
}

const notKubeadm = (where: string, noConfig: boolean): QuorateError =>
  new QuorateError(
    'CLUSTER_NOT_READ',
    noConfig
      ? 'this is not a kubeadm cluster: it has no ConfigMap kubeadm-config in kube-system'
      : 'this is not a kubeadm cluster: no Node has the label node-role.kubernetes.io/control-plane',
    {
      where,
      remedy: 'Quorate converts clusters that kubeadm made. Name the right one with --kubeconfig and --context.',
    },
  )

const isControlPlane = ({ metadata: { labels } }: Node): boolean => roles.some((role) => labels?.[role] !== undefined)

const byAge = (a: Node, b: Node): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '')

function machineOf(one: Node, from: string): Machine {
  const address = one.status?.addresses?.find(({ type, address }) => type === 'InternalIP' && isIP(address) !== 0)
  const version = versionOf(one)
  return {
    name: one.metadata.name,
    address: address?.address,
    from: version === undefined ? from : `${from}, ${version}`,
  }
}

function versionOf({ status }: Node): string | undefined {
  const text = status?.nodeInfo?.kubeletVersion ?? ''
  return isVersion(text) ? text : undefined
}

function isVersion(text: string): boolean {
  try {
    return text.length < 60 && parseVersion(text) !== undefined
  } catch {
    return false
  }
}

interface Kubeadm {
  readonly version: string | undefined
  readonly clusterName: string
  readonly endpoint: string | undefined
}

function kubeadmOf(text: string): Kubeadm {
  try {
    const { kubernetesVersion, clusterName, controlPlaneEndpoint } = readClusterConfiguration(text)
    const version = isVersion(kubernetesVersion) ? kubernetesVersion : undefined
    return { version, clusterName, endpoint: controlPlaneEndpoint }
  } catch (cause) {
    if (!(cause instanceof QuorateError)) throw cause
    const { message, where = '', remedy } = cause
    throw new QuorateError('CLUSTER_NOT_READ', message, { where, remedy, cause })
  }
}

/** Undefined where they may not be listed. Only those of control planes: others serve no endpoint. */
async function podsOn(reader: KubeReader, nodes: readonly Node[]): Promise<readonly Pod[] | undefined> {
  const found: Pod[] = []
  for (const { metadata } of nodes) {
    const selector = encodeURIComponent(`spec.nodeName=${metadata.name}`)
    const pods = await reader.list(`${kubeSystem}/pods?fieldSelector=${selector}`, podPage)
    if (pods === 'absent' || pods === 'forbidden') return undefined
    found.push(...pods)
  }
  return found
}

/** kubeadm writes where each API server listens into the annotations of its pod. */
function portOfPods(pods: readonly Pod[] | undefined): number | undefined {
  const key = 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint'
  const found = pods?.map(({ metadata }) => metadata.annotations?.[key]).find((text) => text !== undefined)
  return portIn(found ?? '')
}

/** The server of kube-proxy's kubeconfig is the first API server where there is no endpoint. */
function portOfProxy(proxy: unknown, endpoint: string | undefined): number | undefined {
  const data = configMap.safeParse(proxy).data?.data
  if (endpoint !== undefined || data === undefined) return undefined
  try {
    return portIn(readKubeconfig(data['kubeconfig.conf'] ?? '', clusterTexts.kubeProxyKubeconfig).server)
  } catch (error) {
    if (error instanceof QuorateError) return undefined
    throw error
  }
}

function portIn(text: string): number | undefined {
  const port = Number(/:(\d{1,5})$/.exec(text.slice(0, 300))?.[1])
  return port >= 1 && port <= 65_535 ? port : undefined
}

/** kubeadm calls every cluster `kubernetes`: that tells none apart. */
function nameOf(names: readonly { readonly value: string | undefined; readonly from: string }[]): ClusterSight['name'] {
  const found = names.find(
    ({ value }) => value !== undefined && value !== 'kubernetes' && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value),
  )
  return found?.value === undefined ? undefined : { value: found.value, from: found.from }
}
