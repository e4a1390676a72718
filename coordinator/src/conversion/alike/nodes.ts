import { readFlags } from '@quorate/shared/flags'
import type { NodeFacts, StaticPodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeletDifferences } from '@quorate/shared/kubelet-differences'
import { type PodDifference, podDifferences } from '@quorate/shared/static-pod-differences'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding, Severity } from '../checks/check.js'
import { patchesFolder } from '../patches.js'
import type { ConversionRun } from '../run.js'
import { ownOf } from './own-values.js'
import { weightOf } from './weight.js'

/** A control plane of the cluster with what is known of it. */
export interface ControlPlane {
  readonly node: NodeEntry
  readonly facts: NodeFacts
}

export const controlPlanesAlikeId = 'control-planes-alike'

type Difference = Omit<Finding, 'id' | 'node'>

/** Everything in which a control plane differs from another one, as findings on it; both values are in the evidence. */
export function differencesOf(run: ConversionRun, other: ControlPlane, reference: ControlPlane): readonly Finding[] {
  const own = (one: ControlPlane) => ownOf(run, one.node, one.facts)
  const [here, there] = [
    { pods: other.facts.staticPods, own: own(other) },
    { pods: reference.facts.staticPods, own: own(reference) },
  ]
  const pair: Pair = { here: other, there: reference }
  const found = [
    ...podDifferences(here, there).map((difference) => podFinding(pair, difference)),
    ...fileDifferences(pair),
    ...kubeletFindings(pair, [own(other), own(reference)]),
  ]
  return found.map((difference) => ({ ...difference, id: controlPlanesAlikeId, node: other.node.name }))
}

interface Pair {
  readonly here: ControlPlane
  readonly there: ControlPlane
}

export const listed = (values: readonly string[]): string => (values.length === 0 ? 'absent' : values.join(' and '))

/** Values as the manifest has them. */
export const shown = ({ kind, name }: PodDifference, values: readonly string[]): string =>
  kind === 'flag' ? listed(values.map((value) => `--${name}=${value}`)) : listed(values)

/** What differs, as people call it: `--v of kube-scheduler`. */
export function nameOf({ component, kind, name }: PodDifference): string {
  if (kind === 'pod') return `the static pod ${component}`
  if (kind === 'flag') return `--${name} of ${component}`
  if (kind === 'env') return `the environment variable ${name} of ${component}`
  if (kind === 'mount') return `the mount ${name} of ${component}`
  return `${kind === 'setting' ? name : kind} of ${component}`
}

function podFinding({ here, there }: Pair, difference: PodDifference): Difference {
  const { component, one, other } = difference
  const what = nameOf(difference)
  const file = `/etc/kubernetes/manifests/${component}.yaml`
  return {
    severity: weightOf(difference),
    message: `${what} differs from ${there.node.name}: ${listed(one)}; on ${there.node.name}: ${listed(other)}`,
    evidence: `${here.node.name} ${file}${lineOf(here, difference)}: ${shown(difference, one)}; ${there.node.name}${lineOf(there, difference)}: ${shown(difference, other)}`,
    remedy: `Decide which is right and write it into ${file} on the other node: the kubelet restarts ${component} there. Keep kubeadm-config in step: kubectl -n kube-system edit configmap kubeadm-config.`,
  }
}

/** `, line 17`; nothing where it is absent. */
export function lineOf({ facts }: ControlPlane, difference: PodDifference): string {
  const { component, kind, name } = difference
  const key = { flag: `--${name}`, image: 'image', env: `env ${name}`, mount: `mount ${name}` }[kind as string]
  const line = key === undefined ? undefined : facts.staticPods.find((pod) => pod.component === component)?.lines[key]
  return line === undefined ? '' : `, line ${line}`
}

/** Signing keys of service accounts: with two of them a token is good at one API server and refused at the next. */
const sharedKeys = ['sa.pub', 'sa.key'].map((name) => `/etc/kubernetes/pki/${name}`)

/** Files that the static pods read, by hash: encryption and audit configuration, CAs, webhooks. What only one of them reads is a flag or a mount that differs. */
function fileDifferences(pair: Pair): readonly Difference[] {
  const { here, there } = pair
  const [one, other] = [hashesOf(here), hashesOf(there)]
  const folders = foldersOf(here).filter((folder) => foldersOf(there).includes(folder))
  const isOfBoth = (path: string): boolean =>
    (one.has(path) && other.has(path)) || folders.some((folder) => path.startsWith(`${folder}/`))
  return [...new Set([...one.keys(), ...other.keys()])].sort().flatMap((path) => {
    const [left = '', right = ''] = [one.get(path), other.get(path)]
    return left === right || !isOfBoth(path) ? [] : [fileFinding(pair, path, [left, right])]
  })
}

const hashesOf = ({ facts: { sharedFiles, fileHashes } }: ControlPlane): ReadonlyMap<string, string> =>
  new Map([
    ...sharedFiles.flatMap(({ path, sha256, directory }) =>
      directory || path.startsWith(`${patchesFolder}/`) ? [] : [[path, sha256] as const],
    ),
    ...Object.entries(fileHashes).filter(([path]) => sharedKeys.includes(path)),
  ])

const foldersOf = ({ facts }: ControlPlane): readonly string[] =>
  facts.sharedFiles.flatMap(({ path, directory }) => (directory ? [path] : []))

function fileFinding({ here, there }: Pair, path: string, hashes: readonly [string, string]): Difference {
  const [left, right] = hashes.map((hash) => (hash === '' ? 'absent' : `sha256 ${hash.slice(0, 12)}`))
  return {
    severity: weightOfFile(path, [here, there]),
    message: `${path}, which a control plane component reads, differs from ${there.node.name}: ${left}; on ${there.node.name}: ${right}`,
    evidence: `${path} on ${here.node.name}: ${left}; on ${there.node.name}: ${right}`,
    remedy: `Compare them: sha256sum ${path} on both nodes. Copy the right one to the other node with its mode and owner, and restart the component that reads it there.`,
  }
}

/** Named by a flag it is configuration; else it lies in a folder that is mounted, and may be anything. */
function weightOfFile(path: string, nodes: readonly ControlPlane[]): Severity {
  if (sharedKeys.includes(path)) return 'error'
  return nodes.some(({ facts }) => facts.staticPods.some((pod) => filesOfFlags(pod).includes(path)))
    ? 'error'
    : 'warning'
}

/** Paths on the node of the files that the flags name. */
function filesOfFlags({ command, mounts }: StaticPodFacts): readonly string[] {
  const paths = readFlags(command).flatMap(({ value }) => value.split(',').filter((word) => word.startsWith('/')))
  return paths.map((path) => {
    const [mount] = mounts
      .filter(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`))
      .sort((a, b) => b.mountPath.length - a.mountPath.length)
    return mount === undefined ? path : mount.hostPath + path.slice(mount.mountPath.length)
  })
}

function kubeletFindings(
  { here, there }: Pair,
  [one, other]: readonly [ReturnType<typeof ownOf>, ReturnType<typeof ownOf>],
): readonly Difference[] {
  const texts = [here, there].map(({ facts }) => facts.kubeletConfig)
  const [left = '', right = ''] = texts
  if (left === '' || right === '') return []
  return kubeletDifferences({ text: left, own: one }, { text: right, own: other }).map((difference) => {
    const [a, b] = [difference.one ?? 'absent', difference.other ?? 'absent']
    return {
      severity: 'error',
      message: `${difference.path} of the kubelet differs from ${there.node.name}: ${a}; on ${there.node.name}: ${b}`,
      evidence: `/var/lib/kubelet/config.yaml: ${difference.path}: ${a}; on ${there.node.name}: ${b}`,
      remedy: `Decide which is right, write it into /var/lib/kubelet/config.yaml on the other node and systemctl restart kubelet there. Keep the source in step: kubectl -n kube-system edit configmap kubelet-config.`,
    }
  })
}
