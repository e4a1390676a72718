/** The fields of API objects that the operations read; times as RFC 3339 text. */

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[]
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly managedFields?: readonly { readonly time?: string }[]
}

export interface List<T> {
  readonly items?: readonly T[]
  readonly metadata?: { readonly continue?: string }
}

export interface ConfigMap {
  readonly metadata: ObjectMeta
  readonly data?: Readonly<Record<string, string>>
}

/** Values are base64. */
export interface Secret {
  readonly metadata: ObjectMeta
  readonly data?: Readonly<Record<string, string>>
}

/** Whether its condition Ready is true: of a pod or a Node. */
export const isReady = ({ status }: { readonly status?: { readonly conditions?: readonly Condition[] } }): boolean =>
  (status?.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True')

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
  readonly lastHeartbeatTime?: string
}

export interface Node {
  readonly metadata: ObjectMeta
  readonly spec?: {
    readonly providerID?: string
    readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[]
  }
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[]
    readonly conditions?: readonly Condition[]
    readonly nodeInfo?: { readonly kubeletVersion?: string; readonly osImage?: string }
  }
}

export interface SigningRequest {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly username?: string }
  readonly status?: { readonly certificate?: string; readonly conditions?: readonly { readonly type: string }[] }
}

export interface Lease {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly holderIdentity?: string | null; readonly renewTime?: string | null }
}

export interface Pod {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly nodeName?: string }
  readonly status?: {
    readonly phase?: string
    readonly startTime?: string
    readonly conditions?: readonly Condition[]
    readonly containerStatuses?: readonly {
      readonly ready?: boolean
      readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } }
    }[]
  }
}

export interface Container {
  readonly name: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
}

export interface Toleration {
  readonly key?: string
  readonly operator?: string
  readonly value?: string
  readonly effect?: string
}

/** DaemonSet or Deployment. */
export interface Workload {
  readonly metadata: ObjectMeta
  readonly spec?: {
    readonly template?: {
      readonly metadata?: {
        readonly labels?: Readonly<Record<string, string>>
        readonly annotations?: Readonly<Record<string, string>>
      }
      readonly spec?: {
        readonly containers?: readonly Container[]
        readonly initContainers?: readonly Container[]
        readonly nodeSelector?: Readonly<Record<string, string>>
        readonly tolerations?: readonly Toleration[]
      }
    }
    /** Of a Deployment. */
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }
    readonly replicas?: number
    readonly paused?: boolean
    /** Of a DaemonSet. */
    readonly updateStrategy?: { readonly type?: string }
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly desiredNumberScheduled?: number
    readonly updatedNumberScheduled?: number
    readonly numberAvailable?: number
    /** Of a Deployment. */
    readonly availableReplicas?: number
  }
}

export interface WebhookConfiguration {
  readonly metadata: ObjectMeta
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig?: { readonly url?: string } }[]
}

export interface Service {
  readonly metadata: ObjectMeta
  readonly spec?: {
    readonly clusterIP?: string
    readonly externalName?: string
    readonly type?: string
    readonly loadBalancerIP?: string
    readonly selector?: Readonly<Record<string, string>>
    readonly ports?: readonly {
      readonly port: number
      readonly targetPort?: number | string
      readonly nodePort?: number
    }[]
  }
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] }
  }
}

/** A custom resource that configures Prometheus' targets. */
export interface ScrapedResource {
  readonly metadata: ObjectMeta
  readonly spec?: object
}

export interface EndpointSlice {
  readonly metadata: ObjectMeta
  readonly ports?: readonly { readonly port?: number }[] | null
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[]
    readonly conditions?: { readonly ready?: boolean }
  }[]
}

/** The end of the year 9999. */
const lastMs = 253_402_300_799_999

/** Unix milliseconds of an API time; 0 without one, and for one that no API server writes (RFC 3339 has four digits for the year). */
export const unixMs = (time: string | null | undefined): number => {
  const ms = Date.parse(time ?? '')
  return Number.isNaN(ms) || ms < 0 || ms > lastMs ? 0 : ms
}

/** When an object was last written, from its managed fields; Unix milliseconds, 0 without them. */
export const lastWrite = (metadata: ObjectMeta | undefined): number =>
  Math.max(0, ...(metadata?.managedFields ?? []).map(({ time }) => unixMs(time)))

export const apiPath = {
  configMap: (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/configmaps/${name}`,
  secret: (name: string) => `/api/v1/namespaces/kube-system/secrets/${name}`,
  secrets: '/api/v1/namespaces/kube-system/secrets',
  node: (name: string) => `/api/v1/nodes/${name}`,
  systemServices: '/api/v1/namespaces/kube-system/services',
  systemPods: '/api/v1/namespaces/kube-system/pods',
  podsOn: (node: string) => `/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`,
  pod: ({ metadata }: Pod) => `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`,
  kubeProxy: '/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy',
  coreDns: '/apis/apps/v1/namespaces/kube-system/deployments/coredns',
  slicesOfApi:
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes',
  apiSlice: (name: string) => `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/${name}`,
  systemLeases: '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases',
} as const
