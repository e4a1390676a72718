import type { Reference } from '@quorate/shared/gen/quorate/v1/facts'
import { redact } from '@quorate/shared/redact'
import type { KubeApi } from '../../host/kube-api.js'
import type { ConfigMap, List, ObjectMeta, WebhookConfiguration, Workload } from './kube-objects.js'

const longestLine = 200

/** One piece of text of an object in the API, with a name that a person finds it by. */
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

const regExpText = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/**
 * Matches the strings as whole names or addresses: 192.168.13.3 is not in 192.168.13.30, cp1 is not in cp10 or in my-cp1. An end of a
 * string that is no letter or digit (`//cp1:`) is its own border.
 */
export function wholeWords(strings: readonly string[]): RegExp {
  const bordered = strings.map((text) => {
    const before = /^[A-Za-z0-9]/.test(text) ? '(?<![A-Za-z0-9.-])' : ''
    const after = /[A-Za-z0-9]$/.test(text) ? '(?![A-Za-z0-9-]|\\.[A-Za-z0-9])' : ''
    return before + regExpText(text) + after
  })
  return new RegExp(bordered.join('|'))
}

/**
 * Every ConfigMap of every namespace, every DaemonSet's and Deployment's command line and environment, and every webhook's URL that holds
 * one of the strings as a whole word; one Reference a line. Also those that are meant to hold it: whoever asks knows which.
 */
export async function findReferences(
  kube: KubeApi,
  strings: readonly string[],
  signal: AbortSignal,
): Promise<Reference[]> {
  const wanted = strings.filter((text) => text !== '')
  if (wanted.length === 0) return []
  const places = async <T>(path: string, of: (item: T) => Place[]): Promise<Place[]> =>
    ((await kube.get<List<T>>(path, signal))?.items ?? []).flatMap(of)
  const found = await Promise.all([
    places('/api/v1/configmaps', configMapPlaces),
    places('/apis/apps/v1/daemonsets', workloadPlaces('daemonset')),
    places('/apis/apps/v1/deployments', workloadPlaces('deployment')),
    places(
      '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
      webhookPlaces('validatingwebhookconfiguration'),
    ),
    places(
      '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
      webhookPlaces('mutatingwebhookconfiguration'),
    ),
  ])
  const pattern = wholeWords(wanted)
  return found.flat().flatMap(({ where, text }) =>
    text
      .split('\n')
      .filter((line) => pattern.test(line))
      .map((line) => ({ where, line: redact(line.trim()).slice(0, longestLine) })),
  )
}
