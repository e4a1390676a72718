import type { StaticPodFacts } from './gen/quorate/v1/facts.js'
import type { ComponentExtras } from './gen/quorate/v1/node_agent.js'
import { extraArgsOf, noExtras, placeOf, saysOnce } from './kubeadm-extras.js'
import { isMasked } from './mask.js'
import { type NodeOwn, withoutOwn } from './node-own.js'
import type { PodDifference } from './static-pod-differences.js'

/** A difference, and how a ClusterConfiguration says it: undefined where it cannot. */
export interface Carried {
  readonly difference: PodDifference
  readonly extras?: ComponentExtras
}

export interface CarryInput {
  /** `one`: what runs; `other`: what kubeadm would write. */
  readonly differences: readonly PodDifference[]
  readonly pods: readonly StaticPodFacts[]
  readonly own: NodeOwn
  readonly configuration: string
  /** `v1beta4`. */
  readonly apiVersion: string
}

/** Which of the differences kubeadm-config could say, and how. */
export const carriedExtras = (input: CarryInput): readonly Carried[] =>
  input.differences.map((difference) => {
    const extras = carry(input, difference)
    return extras === undefined ? { difference } : { difference, extras }
  })

function carry(input: CarryInput, difference: PodDifference): ComponentExtras | undefined {
  const { kind, one } = difference
  // A secret is not known here, and this node's own values belong to no other node.
  if (one.some((value) => isMasked(value) || (kind !== 'image' && withoutOwn(value, input.own) !== value)))
    return undefined
  if (kind === 'flag') return carryFlag(input, difference)
  if (kind === 'env') return carryEnv(input, difference)
  if (kind === 'mount') return carryMount(input, difference)
  return kind === 'image' ? carryImage(input, difference) : undefined
}

/** A flag that is away here can be taken out where kubeadm-config has it; kubeadm's own cannot. */
function carryFlag(input: CarryInput, { component, name, one }: PodDifference): ComponentExtras | undefined {
  const said = extraArgsOf(input.configuration, component).some((arg) => arg.name === name)
  if (one.length === 0 && !said) return undefined
  if (one.length > 1 && saysOnce(input.apiVersion)) return undefined
  return { ...noExtras(component), args: [{ name, values: [...one] }] }
}

function carryEnv(
  { apiVersion }: CarryInput,
  { component, name, one: [value] }: PodDifference,
): ComponentExtras | undefined {
  // valueFrom is not a value.
  if (saysOnce(apiVersion) || value === undefined || value.startsWith('{')) return undefined
  return { ...noExtras(component), envs: [{ name, value }] }
}

/** etcd has no extraVolumes, and what kubeadm mounts there itself cannot be changed. */
function carryMount({ pods }: CarryInput, { component, name, one, other }: PodDifference): ComponentExtras | undefined {
  const mount = pods.find((pod) => pod.component === component)?.mounts.find(({ mountPath }) => mountPath === name)
  if (component === 'etcd' || one.length === 0 || other.length > 0 || mount === undefined) return undefined
  return { ...noExtras(component), volumes: [mount] }
}

const imageParts = /^(?<repository>.+)\/(?<name>[^/:@]+):(?<tag>[A-Za-z0-9_][A-Za-z0-9._-]*)$/

/** etcd's repository and tag are its own; the other three have one repository, and the tag is the cluster's version. */
function carryImage(
  { pods, differences }: CarryInput,
  { component, one, other }: PodDifference,
): ComponentExtras | undefined {
  const [here, there] = [one[0] ?? '', other[0] ?? ''].map((image) => imageParts.exec(image)?.groups)
  if (here === undefined || there === undefined || here['name'] !== there['name']) return undefined
  const [repository = '', tag = ''] = [here['repository'], here['tag']]
  if (component === 'etcd') {
    const imageRepository = repository === there['repository'] ? '' : repository
    return { ...noExtras(component), imageRepository, imageTag: tag === there['tag'] ? '' : tag }
  }
  const ofKubernetes = pods.filter((pod) => pod.component !== 'etcd')
  const alike = ofKubernetes.every(({ image }) => imageParts.exec(image)?.groups?.['repository'] === repository)
  const all =
    differences.filter((each) => each.kind === 'image' && each.component !== 'etcd').length === ofKubernetes.length
  return tag === there['tag'] && alike && all ? { ...noExtras(component), imageRepository: repository } : undefined
}

/** Those of one component in one, so that each part of the ClusterConfiguration is edited once. */
export function mergedExtras(extras: readonly ComponentExtras[]): readonly ComponentExtras[] {
  const byComponent = new Map<string, ComponentExtras>()
  for (const each of extras) {
    placeOf(each.component)
    const known = byComponent.get(each.component) ?? noExtras(each.component)
    byComponent.set(each.component, {
      component: each.component,
      args: [...known.args, ...each.args],
      volumes: [...known.volumes, ...each.volumes],
      envs: [...known.envs, ...each.envs],
      imageRepository: each.imageRepository || known.imageRepository,
      imageTag: each.imageTag || known.imageTag,
    })
  }
  return [...byComponent.values()]
}
