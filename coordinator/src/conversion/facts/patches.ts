import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'

/** The one folder in which patches are looked for: docs/decisions/0011-patches.md. */
export const patchesFolder = '/etc/kubernetes/patches'

/** kubeadm's names for patch files: what is patched, an order, the kind of patch (app/util/patches: `kube-apiserver0+merge.yaml`). */
const patchFile =
  /^(kube-apiserver|kube-controller-manager|kube-scheduler|etcd|kubeletconfiguration|corednsdeployment)[^+]*(\+[a-z]+)?\.(json|yaml)$/

/** What kubeadm's patches on a node are for: `kube-apiserver`, `kubeletconfiguration`; empty where it has none. */
export function patchedBy(facts: NodeFacts): ReadonlySet<string> {
  const files = facts.sharedFiles.filter(({ path, sha256 }) => path.startsWith(`${patchesFolder}/`) && sha256 !== '')
  const targets = files.map(({ path }) => patchFile.exec(path.slice(patchesFolder.length + 1))?.[1])
  return new Set(targets.filter((target) => target !== undefined))
}
