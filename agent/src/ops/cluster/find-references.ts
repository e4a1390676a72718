import type { Reference } from '@quorate/shared/gen/quorate/v1/facts'
import type { KubeApi } from '../../host/kube-api.js'
import type {
  ConfigMap,
  EndpointSlice,
  List,
  ObjectMeta,
  ScrapedResource,
  Service,
  WebhookConfiguration,
  Workload,
} from './kube-objects.js'
import { matchingLines, wholeWords } from './matching-lines.js'

/** Objects per page: a cluster may have thousands of ConfigMaps, and the agent must stay small. */
const pageSize = 250

/** One text of an object in the API, with a readable name. */
interface Place {
  readonly where: string
  readonly text: string
}

const named = (kind: string, { namespace, name }: ObjectMeta): string =>
  namespace === undefined ? `${kind}/${name}` : `${kind}/${namespace}/${name}`

const configMapPlaces = ({ metadata, data = {} }: ConfigMap): Place[] =>
  Object.entries(data).map(([key, text]) => ({ where: `${named('configmap', metadata)} data.${key}`, text }))

const workloadPlaces =
  (kind: string) =>
  ({ metadata, spec }: Workload): Place[] => {
    const pod = spec?.template?.spec
    return [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])].flatMap((container) => {
      const where = `${named(kind, metadata)} container ${container.name}`
      const words = [...(container.command ?? []), ...(container.args ?? [])].map((text) => ({
        where: `${where} args`,
        text,
      }))
      const env = (container.env ?? []).map(({ name, value = '' }) => ({ where: `${where} env ${name}`, text: value }))
      return [...words, ...env]
    })
  }

const webhookPlaces =
  (kind: string) =>
  ({ metadata, webhooks = [] }: WebhookConfiguration): Place[] =>
    webhooks.map(({ name, clientConfig }) => ({
      where: `${named(kind, metadata)} webhook ${name}`,
      text: clientConfig?.url ?? '',
    }))

/** One line for each address with each port, as a client would write it. The API server maintains its own slice itself. */
const slicePlaces = ({ metadata, endpoints, ports }: EndpointSlice): Place[] => {
  if (metadata.namespace === 'default' && metadata.labels?.['kubernetes.io/service-name'] === 'kubernetes') return []
  const addresses = (endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? [])
  const places = addresses.flatMap((address) => (ports ?? []).map(({ port }) => `${address}:${port ?? ''}`))
  return [{ where: `${named('endpointslice', metadata)} endpoints`, text: places.join('\n') }]
}

const servicePlaces = ({ metadata, spec }: Service): Place[] => [
  { where: `${named('service', metadata)} spec.externalName`, text: spec?.externalName ?? '' },
]

const scrapedPlaces =
  (kind: string) =>
  ({ metadata, spec = {} }: ScrapedResource): Place[] => [
    { where: `${named(kind, metadata)} spec`, text: JSON.stringify(spec, undefined, 1) },
  ]

/** Slices that no controller fills from a selector: made by hand, or mirrored from such Endpoints. */
const byHand = 'labelSelector=endpointslice.kubernetes.io%2Fmanaged-by%21%3Dendpointslice-controller.k8s.io'
const admission = '/apis/admissionregistration.k8s.io/v1'
const monitoring = '/apis/monitoring.coreos.com'

interface Searched<T = never> {
  readonly path: string
  places(item: T): Place[]
}

/** What is searched. Secrets are never read. A kind that the cluster does not have is answered with 404, and is empty. */
const searched: readonly Searched[] = [
  { path: '/api/v1/configmaps', places: configMapPlaces },
  { path: '/apis/apps/v1/daemonsets', places: workloadPlaces('daemonset') },
  { path: '/apis/apps/v1/deployments', places: workloadPlaces('deployment') },
  { path: '/apis/apps/v1/statefulsets', places: workloadPlaces('statefulset') },
  { path: `${admission}/validatingwebhookconfigurations`, places: webhookPlaces('validatingwebhookconfiguration') },
  { path: `${admission}/mutatingwebhookconfigurations`, places: webhookPlaces('mutatingwebhookconfiguration') },
  { path: `/apis/discovery.k8s.io/v1/endpointslices?${byHand}`, places: slicePlaces },
  { path: '/api/v1/services', places: servicePlaces },
  { path: `${monitoring}/v1/servicemonitors`, places: scrapedPlaces('servicemonitor') },
  { path: `${monitoring}/v1/probes`, places: scrapedPlaces('probe') },
  { path: `${monitoring}/v1alpha1/scrapeconfigs`, places: scrapedPlaces('scrapeconfig') },
]

/**
 * Everything in the API that contains one of the strings as a whole word and that a program reads to find a server; one Reference per line. Also objects
 * that must contain it: the caller tells them apart.
 */
export async function findReferences(
  kube: KubeApi,
  strings: readonly string[],
  signal: AbortSignal,
): Promise<Reference[]> {
  const wanted = strings.filter((text) => text !== '')
  if (wanted.length === 0) return []
  const pattern = wholeWords(wanted)
  const found = await Promise.all(searched.map((kind) => searchKind(kube, kind, { pattern, signal })))
  return found.flat()
}

async function searchKind(
  kube: KubeApi,
  { path, places }: Searched,
  { pattern, signal }: { pattern: RegExp; signal: AbortSignal },
): Promise<Reference[]> {
  const references: Reference[] = []
  for (let next = ''; ; ) {
    const query = `${path.includes('?') ? '&' : '?'}limit=${pageSize}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`
    const page = await kube.get<List<never>>(path + query, signal)
    for (const { where, text } of (page?.items ?? []).flatMap(places))
      references.push(...matchingLines(text, pattern).map(({ line }) => ({ where, line })))
    next = page?.metadata?.continue ?? ''
    if (next === '') return references
  }
}
