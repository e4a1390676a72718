import { isDeepStrictEqual } from 'node:util'
import { readClusterConfiguration } from './cluster-config-map.js'
import { QuorateError } from './errors.js'
import type { MountFacts } from './gen/quorate/v1/facts.js'
import type { ComponentExtras, ExtraArg } from './gen/quorate/v1/node_agent.js'
import { clusterTexts } from './text-place.js'
import { setIn } from './yaml-edit.js'
import { replaceAt } from './yaml-replace.js'
import type { YamlValue } from './yaml-splice.js'
import { readYaml, valueAt, type YamlPath } from './yaml-text.js'

type Json = Readonly<Record<string, unknown>>

const parse = (text: string) => readYaml(text, 'CONFIG_MAP_INVALID', clusterTexts.clusterConfiguration)

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
  const { value } = parse(source)
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
  const wanted: readonly Wish[] = [
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
  return wanted.reduce((text, [path, value]) => written(text, path, value), source)
}

type Wish = readonly [path: readonly string[], value: YamlValue]

const wish = (of: { readonly length: number }, path: readonly string[], value: () => YamlValue): readonly Wish[] =>
  of.length === 0 ? [] : [[path, value()]]

/** New values replace the old ones; a flag without values is removed. */
function withArgs(present: readonly ExtraArg[], args: readonly ExtraArg[], once: boolean): YamlValue {
  const changed = new Map(args.map(({ name, values }) => [name, values]))
  const kept = present.map(({ name, values }) => ({ name, values: changed.get(name) ?? values }))
  const added = args.filter(({ name }) => !present.some((arg) => arg.name === name))
  const all = [...kept, ...added].filter(({ values }) => values.length > 0)
  if (!once) return all.flatMap(({ name, values }) => values.map((value) => ({ name, value })))
  if (all.some(({ values }) => values.length > 1))
    throw new QuorateError('INVALID_REQUEST', 'v1beta3 cannot repeat a flag')
  return Object.fromEntries(all.map(({ name, values: [value = ''] }) => [name, value]))
}

const volumeText = ({ name, hostPath, mountPath, readOnly, type }: MountFacts) => ({
  ...{ name, hostPath, mountPath },
  ...(readOnly ? { readOnly } : {}),
  ...(type === '' ? {} : { pathType: type }),
})

type Named = { readonly name: string; readonly [key: string]: YamlValue }

function withNamed(present: unknown, wanted: readonly Named[]): YamlValue {
  const list = Array.isArray(present) ? (present as Named[]) : []
  return [...list.filter(({ name }) => !wanted.some((one) => one.name === name)), ...wanted]
}

/** The text with that value there: what is only added stands beside what is there, and keeps its comments. */
function written(source: string, path: YamlPath, value: YamlValue): string {
  const yaml = parse(source)
  const present = valueAt(yaml.value, path) ?? undefined
  if (isDeepStrictEqual(present, value)) return source
  if (typeof value !== 'object' || isExtension(present, value)) return setIn(yaml, path, value)
  if (isMap(present) && isMap(value) && Object.keys(present).every((key) => key in value))
    return Object.entries(value).reduce((text, [key, inner]) => written(text, [...path, key], inner), source)
  return replaceAt(yaml, path, value)
}

const isMap = (value: unknown): value is Record<string, YamlValue> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isExtension = (present: unknown, value: object): boolean =>
  present === undefined ||
  Object.keys(present as object).length === 0 ||
  (Array.isArray(value) && Array.isArray(present) && isDeepStrictEqual(value.slice(0, present.length), present))

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
