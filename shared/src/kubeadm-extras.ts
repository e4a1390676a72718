import { isDeepStrictEqual } from 'node:util'
import { readClusterConfiguration } from './cluster-config-map.js'
import { QuorateError } from './errors.js'
import type { MountFacts } from './gen/quorate/v1/facts.js'
import type { ComponentExtras, ExtraArg } from './gen/quorate/v1/node_agent.js'
import { setAt } from './yaml-set.js'
import { readYaml } from './yaml-text.js'

type Json = Readonly<Record<string, unknown>>

const document = { code: 'CONFIG_MAP_INVALID', what: 'ClusterConfiguration' } as const

/** Where a ClusterConfiguration has a component's extraArgs. */
const places: Readonly<Record<string, readonly string[]>> = {
  'kube-apiserver': ['apiServer'],
  'kube-controller-manager': ['controllerManager'],
  'kube-scheduler': ['scheduler'],
  etcd: ['etcd', 'local'],
}

/** Path of a component's part: `apiServer`, `etcd.local`. */
export function placeOf(component: string): readonly string[] {
  const place = places[component]
  if (place === undefined)
    throw new QuorateError('INVALID_REQUEST', `not a component of kubeadm: ${JSON.stringify(component)}`)
  return place
}

/** Up to v1beta3 extraArgs are a map, in which a flag stands once, and there are no extraEnvs. */
export const saysOnce = (apiVersion: string): boolean => /^v1(alpha\d+|beta[123])$/.test(apiVersion)

/** extraArgs of a component as they stand; a flag may have several values since v1beta4. */
export function extraArgsOf(source: string, component: string): readonly ExtraArg[] {
  const args = partOf(source, component)['extraArgs']
  const pairs: (readonly [string, string])[] = Array.isArray(args)
    ? args.map((arg: Json) => [String(arg['name']), String(arg['value'] ?? '')])
    : Object.entries((args ?? {}) as Json).map(([name, value]) => [name, String(value)])
  const byName = new Map<string, string[]>()
  for (const [name, value] of pairs) byName.set(name, [...(byName.get(name) ?? []), value])
  return [...byName].map(([name, values]) => ({ name, values }))
}

/** A component's part of a ClusterConfiguration; empty where it says nothing. */
export function partOf(source: string, component: string): Json {
  const { value } = readYaml(source, document.code, document.what)
  const part = placeOf(component).reduce<unknown>((at, key) => (at as Json | undefined)?.[key] ?? undefined, value)
  return (part ?? {}) as Json
}

/** The ClusterConfiguration with all of this in it and nothing else changed in meaning; the same text where it is there already. */
export const adoptExtras = (source: string, extras: readonly ComponentExtras[]): string =>
  extras.reduce(adoptOne, source)

function adoptOne(source: string, extras: ComponentExtras): string {
  const once = saysOnce(readClusterConfiguration(source).apiVersion)
  const { component, args, volumes, envs, imageRepository, imageTag } = extras
  if (once && envs.length > 0) throw new QuorateError('INVALID_REQUEST', 'v1beta3 has no extraEnvs')
  const place = placeOf(component)
  const part = partOf(source, component)
  const wanted: (readonly [path: readonly string[], value: unknown])[] = [
    ...wish(args, [...place, 'extraArgs'], () => withArgs(extraArgsOf(source, component), args, once)),
    ...wish(volumes, [...place, 'extraVolumes'], () => withNamed(part['extraVolumes'], volumes.map(volumeText))),
    ...wish(envs, [...place, 'extraEnvs'], () =>
      withNamed(
        part['extraEnvs'],
        envs.map(({ name, value }) => ({ name, value })),
      ),
    ),
    ...wish(imageRepository, [...(component === 'etcd' ? place : []), 'imageRepository'], () => imageRepository),
    ...wish(imageTag, [...place, 'imageTag'], () => imageTag),
  ]
  return wanted.reduce((text, [path, value]) => proved(text, path, value), source)
}

const wish = (
  of: { readonly length: number },
  path: readonly string[],
  value: () => unknown,
): (readonly [readonly string[], unknown])[] => (of.length === 0 ? [] : [[path, value()]])

/** Those named anew take the place of the old ones; a flag without values is taken out. */
function withArgs(present: readonly ExtraArg[], args: readonly ExtraArg[], once: boolean): unknown {
  const changed = new Map(args.map(({ name, values }) => [name, values]))
  const kept = present.map(({ name, values }) => ({ name, values: changed.get(name) ?? values }))
  const added = args.filter(({ name }) => !present.some((arg) => arg.name === name))
  const all = [...kept, ...added].filter(({ values }) => values.length > 0)
  if (!once) return all.flatMap(({ name, values }) => values.map((value) => ({ name, value })))
  if (all.some(({ values }) => values.length > 1))
    throw new QuorateError('INVALID_REQUEST', 'v1beta3 cannot say a flag more than once')
  return Object.fromEntries(all.map(({ name, values: [value = ''] }) => [name, value]))
}

const volumeText = ({ name, hostPath, mountPath, readOnly, type }: MountFacts) => ({
  ...{ name, hostPath, mountPath },
  ...(readOnly ? { readOnly } : {}),
  ...(type === '' ? {} : { pathType: type }),
})

function withNamed(present: unknown, wanted: readonly { readonly name: string }[]): unknown[] {
  const list = Array.isArray(present) ? (present as { readonly name: string }[]) : []
  return [...list.filter(({ name }) => !wanted.some((one) => one.name === name)), ...wanted]
}

/** Proves the edit by its meaning: only that key is another one. */
function proved(source: string, path: readonly string[], value: unknown): string {
  const expected = structuredClone(readYaml(source, document.code, document.what).value) as Record<string, unknown>
  const last = path.at(-1) ?? ''
  const parent = path.slice(0, -1).reduce((at, key) => {
    at[key] ??= {}
    return at[key] as Record<string, unknown>
  }, expected)
  if (isDeepStrictEqual(parent[last], value)) return source
  parent[last] = value
  const after = setAt(source, path, value, document)
  if (isDeepStrictEqual(readYaml(after, document.code, document.what).value, expected)) return after
  throw new QuorateError(
    'CONFIG_MAP_INVALID',
    `ClusterConfiguration: ${path.join('.')} cannot be edited without changing another part of it`,
    {
      where: 'configmap/kube-system/kubeadm-config',
      remedy: 'Write it without anchors, aliases and merge keys, as kubeadm does.',
    },
  )
}

/** The lines that say it, as they are to stand in the ClusterConfiguration. */
export function extrasText(extras: ComponentExtras, apiVersion: string): string {
  const empty = `apiVersion: kubeadm.k8s.io/${apiVersion}\nkind: ClusterConfiguration\nkubernetesVersion: v0\n`
  const text = adoptOne(empty, extras)
  return text
    .split('\n')
    .filter((line) => !/^(apiVersion|kind|kubernetesVersion):/.test(line))
    .join('\n')
    .trim()
}

/** Nothing of a component, to begin with. */
export const noExtras = (component: string): ComponentExtras => ({
  ...{ component, args: [], volumes: [], envs: [], imageRepository: '', imageTag: '' },
})
