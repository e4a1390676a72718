import type { ApplyApiServiceRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { KubeApi } from '../../host/kube-api.js'
import type { EndpointSlice, List, Service } from './kube-objects.js'

const name = 'quorate-apiserver'
const managedBy = 'app.kubernetes.io/managed-by'
const services = '/api/v1/namespaces/kube-system/services'
const slices = `/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D${name}`

export const apiServicePath = `${services}/${name}`
export const apiServiceName = `service/kube-system/${name}`

/** False: a Service of that name belongs to another owner. */
export const isOurService = ({ metadata }: Service): boolean => metadata.labels?.[managedBy] === 'quorate'

export const readApiService = (kube: KubeApi, signal: AbortSignal): Promise<Service | undefined> =>
  kube.get<Service>(apiServicePath, signal)

/**
 * The Service of the documented procedure, which selects the static pods of the API servers: kube-proxy and the controllers of
 * Kubernetes keep its endpoints as control planes come and go.
 */
export function apiServiceObject({ port, targetPort, address }: Omit<ApplyApiServiceRequest, 'header'>): Service {
  const ports = { name: 'https', protocol: 'TCP', targetPort }
  const spec =
    address === ''
      ? { type: 'NodePort', ports: [{ ...ports, port: targetPort, nodePort: port }] }
      : { type: 'LoadBalancer', loadBalancerIP: address, ports: [{ ...ports, port }] }
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'kube-system', labels: { [managedBy]: 'quorate' } },
    spec: { selector: { component: 'kube-apiserver' }, ...spec },
  } as Service
}

/** The reproducible part of it. */
export const apiServiceText = ({ metadata: { labels }, spec }: Service): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'kube-system', labels }, spec })

export const makeApiService = (kube: KubeApi, object: Service, signal: AbortSignal): Promise<Service> =>
  kube.create<Service>(services, object, signal)

/** Whether it matches the request; fields that Kubernetes adds do not count. */
export function isAsWanted({ spec }: Service, { port, targetPort, address }: Omit<ApplyApiServiceRequest, 'header'>) {
  const only = spec?.ports?.[0]
  if (spec?.ports?.length !== 1 || Number(only?.targetPort) !== targetPort) return false
  return address === ''
    ? spec.type === 'NodePort' && only?.nodePort === port
    : spec.type === 'LoadBalancer' && only?.port === port && spec.loadBalancerIP === address
}

/** What the coordinator learns about it; undefined if there is none. */
export async function apiServiceFacts(kube: KubeApi, signal: AbortSignal) {
  const service = await readApiService(kube, signal)
  if (service === undefined) return undefined
  const ready = ((await kube.get<List<EndpointSlice>>(slices, signal))?.items ?? [])
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
  const [first] = service.spec?.ports ?? []
  return {
    type: service.spec?.type ?? '',
    port: first?.port ?? 0,
    nodePort: first?.nodePort ?? 0,
    targetPort: Number(first?.targetPort ?? 0),
    addresses: (service.status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? ''),
    readyEndpoints: [...new Set(ready.flatMap(({ addresses }) => addresses ?? []))].sort(),
    ours: isOurService(service),
  }
}
