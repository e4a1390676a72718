import { areIncomparable, withoutMasks } from '@quorate/shared/mask'
import { type PodDifference, podDifferences } from '@quorate/shared/static-pod-differences'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { foldersOf } from '../facts/cluster-folders.js'
import type { ControlPlane, Difference, Pair } from './control-plane.js'
import { fileDifferences } from './files.js'
import { kubeletDifferencesOf } from './kubelets.js'
import { ownOf } from './own-values.js'
import { weightOf } from './weight.js'

export const controlPlanesAlikeId = 'control-planes-alike'

/** Everything in which a control plane differs from another one, as findings on it; both values are in the evidence. */
export function differencesOf(run: ConversionRun, other: ControlPlane, reference: ControlPlane): readonly Finding[] {
  const own = (one: ControlPlane) => ownOf(run, one.node, one.facts)
  const [here, there] = [
    { pods: other.facts.staticPods, own: own(other) },
    { pods: reference.facts.staticPods, own: own(reference) },
  ]
  const pair: Pair = { here: other, there: reference }
  const found = [
    ...podDifferences(here, there)
      .filter(({ component }) => !isUnreadable(component, pair))
      .map((difference) => podFinding(pair, difference)),
    ...fileDifferences(pair),
    ...kubeletDifferencesOf(run, pair),
  ]
  return found.map((difference) => ({ ...difference, id: controlPlanesAlikeId, node: other.node.name }))
}

/** What cannot be read is not absent: not-kubeadm says what is wrong with it. */
const isUnreadable = (component: string, { here, there }: Pair): boolean =>
  [here, there].some(({ facts }) => facts.manifestProblems.some((problem) => problem.component === component))

/** A secret is named as such, without its value. */
export const listed = (values: readonly string[]): string =>
  values.length === 0 ? 'absent' : values.map(withoutMasks).join(' and ')

/** Values as the manifest has them. */
export const shown = ({ kind, name }: PodDifference, values: readonly string[]): string =>
  kind === 'flag' ? listed(values.map((value) => `--${name}=${value}`)) : listed(values)

/** Whether the two are one secret is not for everybody to see, but that they are two is. */
const differs = ({ one, other }: PodDifference): string =>
  areIncomparable(one, other) ? 'holds a secret, and cannot be compared with that of' : 'differs from'

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
  const [file, otherFile] = [here, there].map(({ facts }) => `${foldersOf(facts).manifests}/${component}.yaml`)
  return {
    severity: weightOf(difference),
    message: `${what} ${differs(difference)} ${there.node.name}: ${listed(one)}; on ${there.node.name}: ${listed(other)}`,
    evidence: `${here.node.name} ${file}${lineOf(here, difference)}: ${shown(difference, one)}; ${there.node.name}${otherFile === file ? '' : ` ${otherFile}`}${lineOf(there, difference)}: ${shown(difference, other)}`,
    remedy: `Decide which is right and write it into ${file} on the other node: the kubelet restarts ${component} there. Update kubeadm-config too: kubectl -n kube-system edit configmap kubeadm-config.`,
  }
}

/** `, line 17`; nothing where it is absent. */
export function lineOf({ facts }: ControlPlane, difference: PodDifference): string {
  const { component, kind, name } = difference
  const key = { flag: `--${name}`, image: 'image', env: `env ${name}`, mount: `mount ${name}` }[kind as string]
  const line = key === undefined ? undefined : facts.staticPods.find((pod) => pod.component === component)?.lines[key]
  return line === undefined ? '' : `, line ${line}`
}
