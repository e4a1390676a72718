import { leavesOf } from './leaves.js'
import { type NodeOwn, withoutOwn } from './node-own.js'

/** One field in which the kubelets of two nodes are configured differently. */
export interface KubeletDifference {
  /** `evictionHard.memory.available`, or the whole path in a list. */
  readonly path: string
  /** Undefined where it is absent. */
  readonly one: string | undefined
  readonly other: string | undefined
}

export interface KubeletConfigOn {
  /** As `readComponentConfig` reads it. */
  readonly value: Readonly<Record<string, unknown>>
  readonly own: NodeOwn
}

/**
 * What belongs to a machine: kubeadm sets the resolver by whether systemd-resolved runs (componentconfigs/kubelet.go, Mutate) and the runtime's
 * socket by what it finds, and what a machine keeps for itself goes by its size. Where static pods lie is judged by the check cluster-folders.
 */
const ofTheMachine =
  /^(apiVersion|kind|resolvConf|containerRuntimeEndpoint|imageServiceEndpoint|providerID|(system|kube)Reserved\b.*|reservedSystemCPUs|reservedMemory.*|staticPodURLHeader|staticPodPath)$/

/** Fields of the two KubeletConfigurations that differ; what is zero is as good as absent. */
export function kubeletDifferences(one: KubeletConfigOn, other: KubeletConfigOn): readonly KubeletDifference[] {
  const [here, there] = [fields(one.value), fields(other.value)]
  return [...new Set([...here.keys(), ...there.keys()])].sort().flatMap((path) => {
    const [left, right] = [here.get(path), there.get(path)]
    const same = left !== undefined && right !== undefined && withoutOwn(left, one.own) === withoutOwn(right, other.own)
    return left === right || same ? [] : [{ path, one: left, other: right }]
  })
}

const fields = (value: KubeletConfigOn['value']): ReadonlyMap<string, string> =>
  new Map([...leavesOf(value)].filter(([path, leaf]) => !ofTheMachine.test(path) && leaf !== '0s'))
