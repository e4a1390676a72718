import { stringify } from 'yaml'
import type { StaticPodFacts } from './gen/quorate/v1/facts.js'
import { isMasked } from './mask.js'
import type { PodDifference } from './static-pod-differences.js'

/** A file of kubeadm's `patches.directory`. */
export interface KubeadmPatch {
  readonly file: string
  readonly text: string
}

/** The patch that makes what kubeadm writes like `one` of a difference. Undefined where a patch would need a value that is a secret, or one that differs from node to node. */
export function kubeadmPatch(difference: PodDifference, rendered: readonly StaticPodFacts[]): KubeadmPatch | undefined {
  const { component, kind, one } = difference
  if (one.some(isMasked) || kind === 'pod' || kind === 'program') return undefined
  const pod = rendered.find((each) => each.component === component)
  if (kind === 'flag') return pod === undefined ? undefined : flagPatch(difference, pod)
  const changed = kind === 'setting' ? settingPatch(difference) : containerPatch(difference)
  if (changed === undefined) return undefined
  return { file: `${component}8+strategic.yaml`, text: stringify({ spec: changed }, { lineWidth: 0 }) }
}

/**
 * Operations on the command line that kubeadm writes: each word that goes is tested first, so that a line that moved fails the join instead of
 * changing another. etcd's of a joiner has a flag more than the one that is seen here, so nothing is counted there.
 */
function flagPatch({ component, name, one }: PodDifference, { command }: StaticPodFacts): KubeadmPatch | undefined {
  const path = (at: number | '-'): string => `/spec/containers/0/command/${at}`
  const goes = command.flatMap((word, at) =>
    word === `--${name}` || word.startsWith(`--${name}=`) ? [{ word, at }] : [],
  )
  if (component === 'etcd' && goes.length > 0) return undefined
  const operations = [
    ...goes.reverse().flatMap(({ word, at }) => [
      { op: 'test', path: path(at), value: word },
      { op: 'remove', path: path(at) },
    ]),
    ...one.map((value) => ({ op: 'add', path: path('-'), value: `--${name}=${value}` })),
  ]
  return { file: `${component}8+json.yaml`, text: stringify(operations, { lineWidth: 0 }) }
}

function containerPatch({ component, kind, name, one: [value] }: PodDifference): object | undefined {
  const container = (rest: object) => ({ containers: [{ name: component, ...rest }] })
  if (kind === 'image') return container({ image: value })
  if (kind === 'env' && value?.startsWith('{') !== true)
    return container({ env: [value === undefined ? { name, $patch: 'delete' } : { name, value }] })
  if (kind !== 'mount') return undefined
  if (value === undefined) return container({ volumeMounts: [{ mountPath: name, $patch: 'delete' }] })
  const [, path = '', type] = /^(\S+?)(?: \((\w+)\))?(?:, read-only)?$/.exec(value) ?? []
  const volume = name
    .slice(1)
    .replaceAll(/[^a-z0-9]+/gi, '-')
    .toLowerCase()
  return {
    ...container({
      volumeMounts: [{ name: volume, mountPath: name, ...(value.endsWith('read-only') ? { readOnly: true } : {}) }],
    }),
    volumes: [{ name: volume, hostPath: { path, ...(type === undefined ? {} : { type }) } }],
  }
}

/** A leaf of the spec by its path; null takes it away. Of a list in it no patch is written. */
function settingPatch({ component, name, one: [value] }: PodDifference): object | undefined {
  const own = `containers[${component}].`
  const path = name.startsWith(own) ? name.slice(own.length) : name
  if (path.includes('[') || value?.startsWith('[')) return undefined
  const leaf = value === undefined ? null : /^(true|false|\d+)$/.test(value) ? JSON.parse(value) : value
  const nested = path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), leaf) as object
  return name.startsWith(own) ? { containers: [{ name: component, ...nested }] } : nested
}
