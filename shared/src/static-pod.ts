import type { QuorateError } from './errors.js'
import { readFlags } from './flags.js'
import { remembered } from './remembered.js'
import type { TextPlace } from './text-place.js'
import { lineOf, readYaml, type YamlPath, yamlError } from './yaml-text.js'

export interface HostPath {
  /** On the node. */
  readonly path: string
  /** `Directory`, `FileOrCreate`, ...; empty when the manifest does not say. */
  readonly type: string
  /** In the container; empty when nothing mounts it. */
  readonly mountPath: string
}

export interface StaticPodView {
  /** Label `component`, such as `kube-apiserver`; the pod's name where there is none. */
  readonly component: string
  readonly image: string
  /** Program and arguments. */
  readonly command: readonly string[]
  /** By name without dashes: `advertise-address`; a flag without a value is `true`; of a repeated one the last counts. */
  readonly flags: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly hostPaths: readonly HostPath[]
  /** AppArmor profile of the node that its container asks for (type Localhost); empty for none. */
  readonly apparmorProfile: string
}

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const asObject = (value: unknown): Json => (isObject(value) ? value : {})
const objects = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : [])
const asText = (value: unknown): string =>
  value === undefined || value === null || typeof value === 'object' ? '' : String(value)
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(asText) : [])

function readHostPaths(spec: Json, container: Json): HostPath[] {
  // The first mount of a volume, as a search from the front would find it.
  const mounts = new Map(
    objects(container['volumeMounts'])
      .toReversed()
      .map((one) => [one['name'], one]),
  )
  return objects(spec['volumes']).flatMap((volume) => {
    const hostPath = volume['hostPath']
    if (!isObject(hostPath) || asText(hostPath['path']) === '') return []
    const mount = mounts.get(volume['name'])
    return [{ path: asText(hostPath['path']), type: asText(hostPath['type']), mountPath: asText(mount?.['mountPath']) }]
  })
}

/** Reads a static pod's manifest; MANIFEST_INVALID, with the place, when it is not a pod with a container. */
export const readStaticPod = remembered((manifestText, place: TextPlace): StaticPodView => {
  const yaml = readYaml(manifestText, 'MANIFEST_INVALID', place)
  const { value } = yaml
  const invalid = (path: YamlPath, why: string): QuorateError =>
    yamlError(yaml, { line: lineOf(yaml, path), why, remedy: 'correct it, or put back what kubeadm wrote' })
  if (!isObject(value) || value['kind'] !== 'Pod') throw invalid(['kind'], 'its kind is not Pod')
  const [metadata, spec] = [asObject(value['metadata']), asObject(value['spec'])]
  const component = asText(asObject(metadata['labels'])['component']) || asText(metadata['name'])
  const containers = objects(spec['containers'])
  // Injected sidecars come after; the component's own container bears its name.
  const container = containers.find((one) => one['name'] === component) ?? containers[0]
  if (container === undefined) throw invalid(['spec', 'containers'], 'it has no container')
  const command = [...texts(container['command']), ...texts(container['args'])]
  return {
    component,
    image: asText(container['image']),
    command,
    flags: Object.fromEntries(readFlags(command).map(({ name, value }) => [name, value])),
    annotations: Object.fromEntries(
      Object.entries(asObject(metadata['annotations'])).map(([key, text]) => [key, asText(text)]),
    ),
    hostPaths: readHostPaths(spec, container),
    apparmorProfile: localProfile(metadata, spec, container),
  }
})

/** Of the securityContext (1.30 and later), or of the annotation before it: `localhost/NAME`. */
function localProfile(metadata: Json, spec: Json, container: Json): string {
  for (const { securityContext } of [container, spec]) {
    const profile = asObject(asObject(securityContext)['appArmorProfile'])
    if (profile['type'] === 'Localhost') return asText(profile['localhostProfile'])
  }
  const key = `container.apparmor.security.beta.kubernetes.io/${asText(container['name'])}`
  return /^localhost\/(.{1,300})$/.exec(asText(asObject(metadata['annotations'])[key]))?.[1] ?? ''
}

/** Whether a path is a folder or lies in it. */
export const below = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)

/** A path in the container as the node sees it; undefined when it lies in the image. */
export function onTheNode(path: string, hostPaths: readonly HostPath[]): string | undefined {
  const mount = hostPaths
    .filter(({ mountPath }) => mountPath !== '' && below(path, mountPath))
    .sort((a, b) => b.mountPath.length - a.mountPath.length)[0]
  return mount === undefined ? undefined : mount.path + path.slice(mount.mountPath.length)
}
