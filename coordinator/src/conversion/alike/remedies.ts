import type { Carried } from '@quorate/shared/carried-extras'
import type { StaticPodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { extrasText } from '@quorate/shared/kubeadm-extras'
import { kubeadmPatch } from '@quorate/shared/kubeadm-patch'
import { isMasked, withoutMasks } from '@quorate/shared/mask'
import type { PodDifference } from '@quorate/shared/static-pod-differences'
import { patchesFolder } from '../facts/patches.js'

/** What is known where a remedy is written. */
export interface RemedyContext {
  /** `v1beta4`: of kubeadm-config. */
  readonly apiVersion: string
  /** What kubeadm would write. */
  readonly rendered: readonly StaticPodFacts[]
  /** Folder of the static pods on the first control plane. */
  readonly manifests: string
}

/** The exact lines that make the joiners like the first control plane, or the first like what kubeadm knows. */
export function remedyOf({ difference, extras }: Carried, context: RemedyContext): string {
  const back = putBack(difference, `${context.manifests}/${difference.component}.yaml`)
  if (extras !== undefined) {
    const lines = extrasText(extras, context.apiVersion)
    const how =
      lines === '' ? `extraArgs of ${difference.component} lose ${difference.name}` : `it gets these lines:\n${lines}`
    return `policy.adoptManifestChanges: true in the cluster file lets this run change kubeadm-config: ${how}\nBy hand: kubectl -n kube-system edit configmap kubeadm-config. ${back}`
  }
  const patch = kubeadmPatch(difference, context.rendered)
  if (patch === undefined) return `kubeadm-config cannot express this. ${back}`
  return `kubeadm-config cannot express this, a kubeadm patch can. Write ${patchesFolder}/${patch.file} on the first control plane; the joiners get it:\n${patch.text.trimEnd()}\n${back}`
}

/** The other way: what kubeadm would write, in the manifest. */
function putBack({ kind, name, one, other }: PodDifference, file: string): string {
  if (kind === 'flag') {
    const words = other.map((value) => `    - --${name}=${withoutMasks(value)}`).join('\n')
    if (other.length === 0) return `Or remove --${name} from ${file}.`
    const verb = one.length === 0 ? 'put it back into' : 'change it in'
    return `Or ${verb} ${file}, which restarts the component:\n${words}`
  }
  const [value] = other
  const what = kind === 'env' ? `the variable ${name}` : kind === 'mount' ? `the mount of ${name}` : name || kind
  if (value === undefined) return `Or remove ${what} from ${file}.`
  return `Or let ${what} be ${isMasked(value) ? 'what kubeadm writes' : value} in ${file}, which restarts the component.`
}
