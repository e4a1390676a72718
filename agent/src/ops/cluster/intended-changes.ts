import { setControlPlaneEndpoint } from '@quorate/shared/cluster-config-map'
import type { TryChangesRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { adoptExtras } from '@quorate/shared/kubeadm-extras'
import { pointKubeconfigAt } from '@quorate/shared/kubeconfig'
import { clusterTexts, type TextPlace } from '@quorate/shared/text-place'
import type { KubeApi, TrialChange } from '../../host/kube-api.js'
import { type ConfigMapName, configMapPath, readConfigMap, withText } from '../backup/config-maps.js'
import { apiServiceObject } from './api-service.js'
import { tokenSecret } from './bootstrap-token.js'
import { apiPath, type Workload } from './kube-objects.js'
import { certificatesRights } from './put-certificates-secret.js'
import { restartPatch } from './rolling-restart.js'

/** A change that a run makes, or that Kubernetes makes because of the run. */
export interface Intended {
  /** `update ConfigMap kube-system/kubeadm-config`. */
  readonly change: string
  readonly trial: TrialChange
}

/** The owner of the objects; nothing of it is ever stored. */
const trialName = 'quorate-trial'

/** Each with the user that makes it: policies may allow controllers and kubelets what they deny users, and the other way round. */
export async function intendedChanges(
  kube: KubeApi,
  request: TryChangesRequest & { readonly ownNode: string },
  signal: AbortSignal,
): Promise<readonly Intended[]> {
  const { ownNode, kubeadmConfig: config, kubeProxyServer, clusterInfoServer, coreDns, joining, apiService } = request
  const pointedAt = (server: string, place: TextPlace) => (text: string) => pointKubeconfigAt(text, server, place)
  const texts: readonly (readonly [ConfigMapName, ((text: string) => string) | undefined])[] = [
    [
      'configmap/kube-system/kubeadm-config',
      config &&
        ((text) =>
          adoptExtras(setControlPlaneEndpoint(text, config.controlPlaneEndpoint, config.certSans), config.extras)),
    ],
    [
      'configmap/kube-system/kube-proxy',
      kubeProxyServer === '' ? undefined : pointedAt(kubeProxyServer, clusterTexts.kubeProxyKubeconfig),
    ],
    [
      'configmap/kube-public/cluster-info',
      clusterInfoServer === '' ? undefined : pointedAt(clusterInfoServer, clusterTexts.clusterInfo),
    ],
  ]
  const found = await Promise.all([
    ...texts.map(([name, edit]) => (edit === undefined ? [] : textChange(kube, name, edit, signal))),
    kubeProxyServer === '' ? [] : rollout(kube, apiPath.kubeProxy, 'DaemonSet', signal),
    coreDns ? rollout(kube, apiPath.coreDns, 'Deployment', signal) : [],
  ])
  const service =
    apiService === undefined ? [] : [created('Service', apiServiceObject(apiService), `${apiPath.systemServices}`)]
  return [
    ...found.flat(),
    ...service,
    ...(joining.length === 0 ? [] : [...joinSecrets(), markOf(ownNode)]),
    ...joining.map(registration),
  ]
}

/** Other checks report a text that cannot be edited. */
async function textChange(
  kube: KubeApi,
  name: ConfigMapName,
  edit: (text: string) => string,
  signal: AbortSignal,
): Promise<readonly Intended[]> {
  const found = await readConfigMap(kube, name, signal)
  if (found === undefined) return []
  try {
    const body = withText(name, found.object, edit(found.text))
    return [
      {
        change: `update ConfigMap ${name.slice('configmap/'.length)}`,
        trial: { method: 'PUT', path: configMapPath(name), body },
      },
    ]
  } catch {
    return []
  }
}

const controllers = { DaemonSet: 'daemon-set-controller', Deployment: 'replicaset-controller' } as const

/** The restart, and a pod as the controller then makes it: a policy for pods does not evaluate their template. */
async function rollout(
  kube: KubeApi,
  path: string,
  kind: keyof typeof controllers,
  signal: AbortSignal,
): Promise<readonly Intended[]> {
  const workload = await kube.get<Workload>(path, signal)
  if (workload === undefined) return []
  const { name } = workload.metadata
  const template = workload.spec?.template
  const metadata = { ...template?.metadata, name: `${name}-${trialName}`, namespace: 'kube-system' }
  const account = `system:serviceaccount:kube-system:${controllers[kind]}`
  const groups = ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated']
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: template?.spec }
  return [
    {
      change: `restart ${kind} kube-system/${name}`,
      trial: { method: 'PATCH', path, body: restartPatch(Date.now()) },
    },
    {
      change: `create a pod of ${kind} kube-system/${name}`,
      trial: { method: 'POST', path: apiPath.systemPods, body: pod, as: { user: account, groups } },
    },
  ]
}

function created(kind: string, body: unknown, path: string): Intended {
  const { name } = (body as { metadata: { name: string } }).metadata
  return { change: `create ${kind} kube-system/${name}`, trial: { method: 'POST', path, body } }
}

/** The objects of upload-certs and the token, with meaningless values. */
function joinSecrets(): readonly Intended[] {
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z')
  const token = tokenSecret('trial0', '0'.repeat(16), trialName, inAnHour)
  const metadata = { name: 'kubeadm-certs', namespace: 'kube-system' }
  const certificates = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, data: { 'ca.crt': '' } }
  return [
    created('Secret', token, apiPath.secrets),
    created('Secret', certificates, apiPath.secrets),
    ...certificatesRights().map(({ path, body }) => {
      const { kind } = body as { kind: string }
      return created(kind, body, path.slice(0, path.lastIndexOf('/')))
    }),
  ]
}

/** As the kubelet of a joiner registers it, with kubeadm's taint. */
function registration(name: string): Intended {
  const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' }
  const taints = [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }]
  const body = { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: { taints } }
  const as = { user: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] }
  return { change: `create Node ${name}`, trial: { method: 'POST', path: '/api/v1/nodes', body, as } }
}

/** How kubeadm join marks a control plane, tried on a Node that has the label. */
function markOf(name: string): Intended {
  const body = { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } }
  return { change: 'label Nodes', trial: { method: 'PATCH', path: apiPath.node(name), body } }
}
