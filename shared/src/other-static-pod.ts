import { asQuorateError } from './errors.js'
import type { TextPlace } from './text-place.js'
import { readYaml } from './yaml-text.js'

/** A pod of the manifests folder that is none of kubeadm's: as much of it as says what it is for. */
export interface OtherStaticPodView {
  /** metadata.name; empty where the text is no pod. */
  readonly pod: string
  readonly images: readonly string[]
  readonly hostPaths: readonly string[]
  readonly command: readonly string[]
  /** Why the kubelet cannot run it; empty for a pod. */
  readonly problem: string
}

type Json = Readonly<Record<string, unknown>>
const asObject = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
const objects = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(asObject) : [])
const asText = (value: unknown): string => (typeof value === 'string' ? value : '')
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(asText) : [])

const most = 50
const nothing: OtherStaticPodView = { pod: '', images: [], hostPaths: [], command: [], problem: '' }

/** Reads any manifest; what is no pod says why and is empty otherwise. */
export function readOtherStaticPod(text: string, place: TextPlace): OtherStaticPodView {
  try {
    const value = asObject(readYaml(text, 'MANIFEST_INVALID', place).value)
    if (value['kind'] !== 'Pod') return { ...nothing, problem: 'its kind is not Pod' }
    const spec = asObject(value['spec'])
    const containers = [...objects(spec['initContainers']), ...objects(spec['containers'])].slice(0, most)
    if (containers.length === 0) return { ...nothing, problem: 'it has no container' }
    return {
      pod: asText(asObject(value['metadata'])['name']),
      images: containers.map(({ image }) => asText(image)),
      hostPaths: objects(spec['volumes'])
        .map(({ hostPath }) => asText(asObject(hostPath)['path']))
        .filter((path) => path !== '')
        .slice(0, most),
      command: containers.flatMap(({ command, args }) => [...texts(command), ...texts(args)]).slice(0, 2 * most),
      problem: '',
    }
  } catch (error) {
    return { ...nothing, problem: asQuorateError(error).message }
  }
}

/** Paths of the unix sockets that an EncryptionConfiguration's kms providers name; nothing else is read: it holds keys. */
export function kmsSocketsIn(encryptionConfiguration: string, place: TextPlace): readonly string[] {
  try {
    const { resources } = asObject(readYaml(encryptionConfiguration, 'MANIFEST_INVALID', place).value)
    const providers = objects(resources).flatMap((resource) => objects(resource['providers']))
    const endpoints = providers.map(({ kms }) => asText(asObject(kms)['endpoint']))
    const paths = endpoints.flatMap((endpoint) => /^unix:(?:\/\/)?(\/(?![@/])[^\s]{1,300})$/.exec(endpoint)?.[1] ?? [])
    return [...new Set(paths)].slice(0, most)
  } catch {
    // What cannot be read as one is found where the API server's files are judged.
    return []
  }
}
