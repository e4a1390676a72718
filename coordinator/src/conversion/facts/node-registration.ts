import { unifiedDiff } from '@quorate/shared/diff'
import type { KubeletFlag, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { JoinSpec } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Diff } from '../../engine/step.js'
import type { ConversionRun } from '../context/run.js'

/** Written by every join. */
const byKubeadm = '/var/lib/kubelet/kubeadm-flags.env'
/** Flags that kubeadm gives a kubelet (app/phases/kubelet/flags.go, and its packages' drop-in): the joiner has its own. */
const ofKubeadm = new Set([
  ...[
    'bootstrap-kubeconfig',
    'kubeconfig',
    'config',
    'container-runtime',
    'container-runtime-endpoint',
    'cgroup-driver',
  ],
  ...['network-plugin', 'register-with-taints', 'image-service-endpoint'],
])
/** Flags whose value is one node's. */
const perNode = new Set([
  'node-ip',
  'hostname-override',
  'provider-id',
  'address',
  'healthz-bind-address',
  'tls-cert-file',
  'tls-private-key-file',
])
/** Labels that say where or what one machine is, or that a kubelet may not give itself. */
const labelOfOneNode =
  /^(topology\.|failure-domain\.|kubernetes\.io\/|node\.kubernetes\.io\/|beta\.kubernetes\.io\/|node-role\.kubernetes\.io\/)/

const uninitialized = 'node.cloudprovider.kubernetes.io/uninitialized'

/** The kubelet's own taint until a cloud provider knows the machine (KEP-2395). */
export const isUninitialized = (taint: string): boolean => taint.startsWith(uninitialized)

/** What is waited for then, with what tells why. */
export const awaitsCloud = `it keeps the taint ${uninitialized}: the cloud controller manager does not recognise the machine yet (kubectl -n kube-system get pods -o wide | grep cloud-controller-manager, and its log)`

/** A flag that the first control plane's kubelet has and a joiner's would not have, or has with another value of its own files. */
export interface LackingFlag extends KubeletFlag {
  /** What the joiner's own files say, which outweighs what a join gives; undefined for nothing. */
  readonly own?: KubeletFlag
}

/** What fits into kubeadm-flags.env as one word (agent/src/server/field-checks.ts, flagValue). */
const fits = (value: string): boolean => /^[A-Za-z0-9._~:/@%+,=<>[\]{}*-]{0,2000}$/.test(value)

/** Whether a join can give it. */
export const canBeGiven = ({ own, value }: LackingFlag): boolean => own === undefined && fits(value)

/** Without it on one node the cloud's controllers do not know that machine, and its Node gets no load balancer and no volume. */
export const mustBeAlike: ReadonlySet<string> = new Set(['cloud-provider', 'cloud-config'])

/** A flag of which two kubelets have different values; undefined where one has none. */
export interface FlagDifference {
  readonly name: string
  readonly one: KubeletFlag | undefined
  readonly other: KubeletFlag | undefined
}

/** In what flags the kubelets of two nodes that are there differ: those of kubeadm and of one machine aside. */
export function flagDifferences(one: NodeFacts, other: NodeFacts): readonly FlagDifference[] {
  const [here, there] = [comparableFlags(one), comparableFlags(other)]
  return [...new Set([...here.keys(), ...there.keys()])].sort().flatMap((name) => {
    const [left, right] = [here.get(name), there.get(name)]
    return left?.value === right?.value ? [] : [{ name, one: left, other: right }]
  })
}

const comparableFlags = ({ kubeletFlags }: NodeFacts): ReadonlyMap<string, KubeletFlag> =>
  new Map(kubeletFlags.flatMap(comparable).map((flag) => [flag.name, flag]))

/** What of a flag may be asked of another node's kubelet; nothing of those that each node has of its own. */
function comparable(flag: KubeletFlag): readonly KubeletFlag[] {
  const { name, where } = flag
  if (ofKubeadm.has(name) || perNode.has(name) || (name === 'pod-infra-container-image' && where === byKubeadm))
    return []
  const value = name === 'node-labels' ? sharedLabels(flag.value) : flag.value
  return value === '' ? [] : [{ ...flag, value }]
}

export function lackingFlags(first: NodeFacts, joiner: NodeFacts): readonly LackingFlag[] {
  return first.kubeletFlags.flatMap(comparable).flatMap((flag): LackingFlag[] => {
    const own = joiner.kubeletFlags.find((one) => one.name === flag.name && one.where !== byKubeadm)
    if (own?.value === flag.value || flag.value === '<masked>') return []
    return [{ ...flag, ...(own === undefined ? {} : { own }) }]
  })
}

const sharedLabels = (value: string): string =>
  value
    .split(',')
    .filter((label) => !labelOfOneNode.test(label))
    .join(',')

/** Taints that were set on a Node, without those of conditions, which come and go. */
export const lastingTaints = (taints: readonly string[]): readonly string[] =>
  taints.filter((taint) => !/^node(\.cloudprovider)?\.kubernetes\.io\//.test(taint))

export const controlPlaneTaint = 'node-role.kubernetes.io/control-plane:NoSchedule'

/** `key=value:effect`. */
export function taintOf(text: string): JoinSpec['taints'][number] {
  const [, key = '', value = '', effect = ''] = /^([^=:]+)(?:=([^:]*))?:(.+)$/.exec(text) ?? []
  return { key, value, effect }
}

type Registration = Pick<JoinSpec, 'kubeletExtraArgs' | 'ownTaints' | 'taints'>

/** How a joiner's Node is registered beyond what kubeadm does by itself, by the policy of the cluster file. */
export async function registrationOf(run: ConversionRun, node: NodeEntry): Promise<Registration> {
  const { kubeletExtraArgs, controlPlaneTaints } = run.file.policy
  const [first, joiner, { nodes }] = await Promise.all([
    run.nodeFacts(run.first),
    run.nodeFacts(node),
    run.clusterFacts(),
  ])
  const flags = kubeletExtraArgs === 'as-first' ? lackingFlags(first, joiner).filter(canBeGiven) : []
  const object = nodes.find(({ name }) => name === run.first.name)
  const ownTaints = controlPlaneTaints === 'as-first' && object !== undefined
  return {
    kubeletExtraArgs: flags.map(({ name, value }) => ({ name, value })),
    ownTaints,
    taints: ownTaints ? lastingTaints(object.taints).map(taintOf) : [],
  }
}

/** What the policy makes of the joiner's nodeRegistration, against kubeadm's own; none where that is the same. */
export async function registrationDiff(run: ConversionRun, node: NodeEntry): Promise<readonly Diff[]> {
  const { kubeletExtraArgs, ownTaints, taints } = await registrationOf(run, node)
  const text = (flags: Registration['kubeletExtraArgs'], given: readonly string[]) =>
    [
      'nodeRegistration:',
      `  kubeletExtraArgs:${flags.length === 0 ? ' none' : ''}`,
      ...flags.map(({ name, value }) => `  - --${name}=${value}`),
      `  taints:${given.length === 0 ? ' none' : ''}`,
      ...given.map((taint) => `  - ${taint}`),
      '',
    ].join('\n')
  const chosen = taints.map(({ key, value, effect }) => `${key}${value === '' ? '' : `=${value}`}:${effect}`)
  const name = 'JoinConfiguration'
  const diff = unifiedDiff(
    name,
    text([], [controlPlaneTaint]),
    text(kubeletExtraArgs, ownTaints ? chosen : [controlPlaneTaint]),
  )
  return diff === '' ? [] : [{ name: `${node.name}:${name}`, text: diff }]
}
