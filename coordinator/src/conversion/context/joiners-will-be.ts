import type { Carried } from '@quorate/shared/carried-extras'
import type { StaticPodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { ComponentExtras } from '@quorate/shared/gen/quorate/v1/node_agent'

/** How the manifests that kubeadm will write for the joiners differ from what runs on the first control plane. */
export interface JoinersWillBe {
  /** `v1beta4`: of kubeadm-config. */
  readonly apiVersion: string
  /** What kubeadm writes, as its dry run on the first control plane shows; with `extras` in it. */
  readonly pods: readonly StaticPodFacts[]
  /** Remaining differences: `one` runs on the first control plane, `other` is what joiners would get; with how kubeadm-config could express it. */
  readonly differences: readonly Carried[]
  /** What this run adds to kubeadm-config, where the cluster file allows it. */
  readonly extras: readonly ComponentExtras[]
}
