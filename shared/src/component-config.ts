import { isAlias, type Node, type Scalar, visit } from 'yaml'
import type { QuorateError } from './errors.js'
import type { TextPlace } from './text-place.js'
import { keyText, lineOf, rangeOf, readYaml, type YamlText, yamlError } from './yaml-text.js'

export interface ComponentConfigText extends YamlText {
  readonly value: Readonly<Record<string, unknown>>
}

const isObject = (value: unknown): value is ComponentConfigText['value'] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The apiVersion of each, as kubeadm writes it. */
const apiVersions = {
  KubeletConfiguration: 'kubelet.config.k8s.io/v1beta1',
  KubeProxyConfiguration: 'kubeproxy.config.k8s.io/v1alpha1',
} as const

/** Reads the configuration of a kubelet or of kube-proxy; CONFIG_MAP_INVALID, with the place, where that program could not start with it. */
export function readComponentConfig(
  text: string,
  kind: keyof typeof apiVersions,
  place: TextPlace,
): ComponentConfigText {
  const yaml = readYaml(text, 'CONFIG_MAP_INVALID', place)
  const { value } = yaml
  const apiVersion = apiVersions[kind]
  const [group] = apiVersion.split('/')
  const refused = (key: string, why: string, write: string): QuorateError =>
    yamlError(yaml, { line: lineOf(yaml, [key]), why, remedy: `write ${write}` })
  if (!isObject(value))
    throw refused('kind', `there is no ${kind} in it`, `the ${kind} again, or put back what kubeadm wrote`)
  if (value['kind'] !== kind) throw refused('kind', `its kind is not ${kind}`, `kind: ${kind}`)
  if (!String(value['apiVersion']).startsWith(`${group}/`))
    throw refused('apiVersion', `its apiVersion is not of ${group}`, `apiVersion: ${apiVersion}`)
  return { ...yaml, value }
}

/** The text of a KubeletConfiguration without the values of `staticPodURLHeader`, which may be a password; nothing else of it is a secret. */
export function withoutHeaders({ text, document }: ComponentConfigText): string {
  const secrets = new Set<Scalar>()
  visit(document, {
    Pair(_, pair) {
      if (keyText(pair) !== 'staticPodURLHeader') return
      const value = isAlias(pair.value) ? pair.value.resolve(document) : pair.value
      visit(value as Node, {
        Scalar(key, scalar) {
          if (key !== 'key' && scalar.source !== '') secrets.add(scalar)
        },
      })
    },
  })
  return (
    [...secrets]
      .map(rangeOf)
      // A block's range ends behind its line break.
      .map(({ start, end }) => ({ start, end: start + text.slice(start, end).trimEnd().length }))
      .sort((a, b) => b.start - a.start)
      .reduce((left, { start, end }) => `${left.slice(0, start)}"<masked>"${left.slice(end)}`, text)
  )
}
