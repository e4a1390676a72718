import type { KubeApi } from '../../host/kube-api.js'

/** The fields of a ConfigMap that the agent uses. */
export interface ConfigMap {
  readonly metadata: { readonly resourceVersion: string; readonly [field: string]: unknown }
  readonly data?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/** The ConfigMaps that steps change, each with the one key that Quorate writes. Names as in TouchedObject. */
const configMapKeys = {
  'configmap/kube-system/kubeadm-config': 'ClusterConfiguration',
  'configmap/kube-public/cluster-info': 'kubeconfig',
  'configmap/kube-system/kube-proxy': 'kubeconfig.conf',
} as const

export type ConfigMapName = keyof typeof configMapKeys

export const configMapNames = Object.keys(configMapKeys) as ConfigMapName[]

export const isConfigMapName = (name: string): name is ConfigMapName => Object.hasOwn(configMapKeys, name)

/** `configmap/NAMESPACE/NAME` as an API path. */
export function configMapPath(name: ConfigMapName): string {
  const [, namespace, object] = name.split('/')
  return `/api/v1/namespaces/${namespace}/configmaps/${object}`
}

/** The ConfigMap and the text of its key; undefined if it (or its key) does not exist. */
export async function readConfigMap(
  kube: KubeApi,
  name: ConfigMapName,
  signal: AbortSignal,
): Promise<{ object: ConfigMap; text: string } | undefined> {
  const object = await kube.get<ConfigMap>(configMapPath(name), signal)
  const text = object?.data?.[configMapKeys[name]]
  return object === undefined || text === undefined ? undefined : { object, text }
}

/**
 * Writes another text into the key and leaves the rest as read: cluster-info's signatures belong to the bootstrap signer. The
 * request carries the resourceVersion, so that the server refuses it (DRIFT) after a concurrent change.
 */
export async function writeConfigMapText(
  kube: KubeApi,
  name: ConfigMapName,
  { object, text, signal }: { object: ConfigMap; text: string; signal: AbortSignal },
): Promise<void> {
  await kube.replace<ConfigMap>(configMapPath(name), withText(name, object, text), signal)
}

/** The ConfigMap with another text in its key. */
export const withText = (name: ConfigMapName, object: ConfigMap, text: string): ConfigMap => ({
  ...object,
  data: { ...object.data, [configMapKeys[name]]: text },
})
