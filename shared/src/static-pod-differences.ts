import { readFlags } from './flags.js'
import type { MountFacts, StaticPodFacts } from './gen/quorate/v1/facts.js'
import { type NodeOwn, withoutOwn } from './node-own.js'

/** The static pods of one node, and what of their values is that node's own. */
export interface PodsOn {
  readonly pods: readonly StaticPodFacts[]
  readonly own: NodeOwn
}

export type DifferenceKind = 'pod' | 'program' | 'flag' | 'image' | 'env' | 'mount' | 'setting'

/** One thing in which a component differs between two nodes, or between what runs and what kubeadm would write. */
export interface PodDifference {
  readonly component: string
  readonly kind: DifferenceKind
  /** Of a flag without dashes, of the environment, of a mount its path in the container, of a setting its path in the spec; else empty. */
  readonly name: string
  /** Values as they stand there; none where it is absent. More than one: a flag that is repeated. */
  readonly one: readonly string[]
  readonly other: readonly string[]
}

/** By what is compared; the same key on both sides is the same thing. */
type Traits = ReadonlyMap<string, Trait>
interface Trait {
  readonly kind: DifferenceKind
  readonly name: string
  readonly values: readonly string[]
  /** Forms of the value, those of the other side in the same order. One of them must be the same on both. */
  readonly compared: readonly string[]
}

/**
 * What each node must have a value of its own in (as its own names and addresses, or what means every node): the same value with another node's
 * name or address in it is wrong on one of the two. Elsewhere it may stand for that node on purpose: an etcd that is no static pod, an issuer.
 */
const eachNodesOwn: Readonly<Partial<Record<DifferenceKind, RegExp>>> = {
  flag: /^(advertise-address|bind-address|address|name|(listen|advertise|initial-advertise)-\w+-urls|initial-cluster)$/,
  env: /^ETCD_(NAME|(LISTEN|ADVERTISE|INITIAL_ADVERTISE)_\w+_URLS)$/,
  setting: /(httpGet|tcpSocket)\.host$/,
}

/** Lists in which the order means nothing. Of others it may: the first service-account-issuer signs, the first service range is the primary one. */
const unordered = new Set([
  ...['enable-admission-plugins', 'disable-admission-plugins', 'feature-gates', 'runtime-config', 'api-audiences'],
  ...['tls-cipher-suites', 'cipher-suites', 'controllers', 'etcd-servers', 'requestheader-allowed-names'],
  ...['listen-client-urls', 'listen-peer-urls', 'listen-metrics-urls', 'advertise-client-urls'],
  ...['initial-advertise-peer-urls', 'oidc-required-claim', 'cors-allowed-origins'],
])

/** kubeadm mounts those that the machine has (app/phases/controlplane/volumes.go, caCertsExtraVolumePaths): each distribution has others. */
const ofTheDistribution = new Set([
  ...['/etc/ssl/certs', '/etc/pki', '/etc/pki/ca-trust', '/etc/pki/tls/certs', '/etc/ca-certificates'],
  ...['/usr/share/ca-certificates', '/usr/local/share/ca-certificates'],
  '/usr/libexec/kubernetes/kubelet-plugins/volume/exec',
])

/** Everything in which the pods of two nodes differ, by value, each node's own names and addresses aside. */
export function podDifferences(one: PodsOn, other: PodsOn): readonly PodDifference[] {
  const components = new Set([...one.pods, ...other.pods].map(({ component }) => component))
  return [...components].flatMap((component) => {
    const [here, there] = [one, other].map(({ pods }) => pods.find((pod) => pod.component === component))
    if (here === undefined || there === undefined) {
      const has = (pod: StaticPodFacts | undefined): string[] => (pod === undefined ? [] : [pod.image || component])
      return [{ component, kind: 'pod' as const, name: '', one: has(here), other: has(there) }]
    }
    return traitDifferences(component, traitsOf(here, one), traitsOf(there, other))
  })
}

function traitDifferences(component: string, one: Traits, other: Traits): PodDifference[] {
  return [...new Set([...one.keys(), ...other.keys()])].sort().flatMap((key) => {
    const [here, there] = [one.get(key), other.get(key)]
    const { kind, name } = (here ?? there) as Trait
    if (here?.compared.some((form, index) => form === there?.compared[index])) return []
    return [{ component, kind, name, one: here?.values ?? [], other: there?.values ?? [] }]
  })
}

function traitsOf(pod: StaticPodFacts, { own, pods }: PodsOn): Traits {
  // With an etcd on each control plane an API server asks its own (app/phases/controlplane/manifests.go).
  const asksItsOwn = pods.some(({ component }) => component === 'etcd')
  const formsOf = (kind: DifferenceKind, name: string): Forms => {
    const isOwn = eachNodesOwn[kind]?.test(name) === true || (asksItsOwn && name === 'etcd-servers')
    return (form) => [form(own), ...(isOwn ? [] : [form({ ...own, names: [] }), form(nobody)])]
  }
  const single = (kind: DifferenceKind, name: string, value: string, forms = formsOf(kind, name)): Trait => ({
    ...{ kind, name, values: [value], compared: forms((its) => withoutOwn(value, its)) },
  })
  const asItIs: Forms = (form) => [form(nobody)]
  const traits = [
    single('program', '', pod.command[0] ?? ''),
    single('image', '', pod.image, asItIs),
    ...flagTraits(pod.command, formsOf),
    ...pod.env.map(({ name, value }) => single('env', name, value)),
    ...pod.mounts
      .filter(({ hostPath }) => !ofTheDistribution.has(hostPath))
      .map((mount) => single('mount', mount.mountPath, mountText(mount), asItIs)),
    ...Object.entries(pod.settings).map(([path, value]) => single('setting', path, value)),
  ]
  return new Map(traits.map((trait) => [`${trait.kind} ${trait.name}`, trait]))
}

/**
 * A value as the node's own, as one that holds its addresses and perhaps a word that is also a short name, and as it stands: what is asked for of
 * each is what is left when that is taken out.
 */
type Forms = (form: (own: NodeOwn) => string) => readonly string[]

const nobody: NodeOwn = { names: [], addresses: [] }

const mountText = ({ hostPath, type, readOnly }: MountFacts): string =>
  `${hostPath}${type === '' ? '' : ` (${type})`}${readOnly ? ', read-only' : ''}`

function flagTraits(command: readonly string[], formsOf: (kind: 'flag', name: string) => Forms): Trait[] {
  const byName = new Map<string, string[]>()
  for (const { name, value } of readFlags(command)) byName.set(name, [...(byName.get(name) ?? []), value])
  return [...byName].flatMap(([name, values]) =>
    // Each node has what was true when its etcd was made.
    name === 'initial-cluster-state' && values.every((value) => /^(new|existing)$/.test(value))
      ? []
      : [
          {
            kind: 'flag' as const,
            name,
            values,
            compared: formsOf('flag', name)((its) => comparedFlag(name, values, its)),
          },
        ],
  )
}

function comparedFlag(name: string, values: readonly string[], own: NodeOwn): string {
  const plain = values.map((value) => withoutOwn(truth(value), own))
  // Who else was a member when this one was made is history: itself it must name.
  if (name === 'initial-cluster')
    return (
      plain
        .at(-1)
        ?.split(',')
        .find((one) => one.startsWith('<name>=')) ?? ''
    )
  if (!unordered.has(name)) return JSON.stringify(plain.filter((value, index) => value !== plain[index - 1]))
  const items = plain.flatMap((value) => value.split(',')).map((item) => item.trim())
  return JSON.stringify([...new Set(items)].filter((item) => item !== '').sort())
}

/** As strconv.ParseBool has it, but for 1 and 0, which may be numbers. */
const truth = (value: string): string =>
  /^(t|true)$/i.test(value) ? 'true' : /^(f|false)$/i.test(value) ? 'false' : value
