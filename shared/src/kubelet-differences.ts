import { leavesOf } from './leaves.js'
import { type NodeOwn, withoutOwn } from './node-own.js'
import { readYaml } from './yaml-text.js'

/** One field in which the kubelets of two nodes are configured differently. */
export interface KubeletDifference {
  /** `evictionHard.memory.available`, or the whole path in a list. */
  readonly path: string
  /** Undefined where it is absent. */
  readonly one: string | undefined
  readonly other: string | undefined
}

export interface KubeletConfigOn {
  readonly text: string
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
  const [here, there] = [fields(one.text), fields(other.text)]
  return [...new Set([...here.keys(), ...there.keys()])].sort().flatMap((path) => {
    const [left, right] = [here.get(path), there.get(path)]
    const same = left !== undefined && right !== undefined && withoutOwn(left, one.own) === withoutOwn(right, other.own)
    return left === right || same ? [] : [{ path, one: left, other: right }]
  })
}

/** What cannot be read is a field of its own: the kubelet does not start with it. */
function fields(text: string): ReadonlyMap<string, string> {
  try {
    const { value } = readYaml(text, 'CONFIG_MAP_INVALID', 'KubeletConfiguration')
    return new Map([...leavesOf(value)].filter(([path, leaf]) => !ofTheMachine.test(path) && leaf !== '0s'))
  } catch (error) {
    return new Map([['(the whole file)', error instanceof Error ? error.message : 'unreadable']])
  }
}
