import type { ExtraVolume } from './init-wish.js'
import type { ClusterConfiguration, ComponentConfiguration } from './kubeadm-config.js'
import { argList } from './kubeadm-config.js'
import type { Component, Mount, PodParts } from './pod-parts.js'
import { atLeast } from './version-order.js'
import type { Release } from './versions.js'

/** A component's settings in a ClusterConfiguration; for etcd below `local`. */
export function componentOf(cluster: ClusterConfiguration, component: Component): ComponentConfiguration {
  const parts = {
    'kube-apiserver': cluster.apiServer,
    'kube-controller-manager': cluster.controllerManager,
    'kube-scheduler': cluster.scheduler,
    etcd: cluster.etcd?.local,
  }
  return parts[component] ?? {}
}

/** A pod with its settings from the ClusterConfiguration: flags, volumes, environment, image (app/phases/controlplane, app/phases/etcd, app/images). */
export function asConfigured(pod: PodParts, cluster: ClusterConfiguration, release: Release): PodParts {
  const part = componentOf(cluster, pod.component)
  return {
    ...pod,
    image: imageOf(pod, cluster),
    flags: withExtra([...pod.flags, ...ofNetworking(pod.component, cluster)], argList(part.extraArgs), release),
    mounts: [...pod.mounts, ...(part.extraVolumes ?? []).map(asMount)],
    env: [...(part.extraEnvs ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

/** The tag is the version in kubeadm-config, whatever kubeadm's own is (images.GetKubernetesImage). */
function imageOf({ component, image }: PodParts, cluster: ClusterConfiguration): string {
  const { imageRepository = 'registry.k8s.io', kubernetesVersion } = cluster
  if (component !== 'etcd') return `${imageRepository}/${component}:${kubernetesVersion.replaceAll('+', '_')}`
  const own = cluster.etcd?.local
  return `${own?.imageRepository ?? imageRepository}/etcd:${own?.imageTag ?? image.replace(/^.*:/, '')}`
}

function ofNetworking(component: Component, { networking }: ClusterConfiguration): readonly string[] {
  if (component !== 'kube-controller-manager' || networking?.podSubnet === undefined) return []
  const { podSubnet, serviceSubnet } = networking
  return [
    '--allocate-node-cidrs=true',
    `--cluster-cidr=${podSubnet}`,
    ...(serviceSubnet === undefined ? [] : [`--service-cluster-ip-range=${serviceSubnet}`]),
  ]
}

/** Each replaces kubeadm's own flag of that name. All are sorted; since 1.36 only kubeadm's own, followed by the configured ones (ArgumentsToCommand). */
function withExtra(
  flags: readonly string[],
  extra: readonly { name: string; value: string }[],
  { version }: Release,
): readonly string[] {
  const said = extra.map(({ name, value }) => `--${name}=${value}`)
  const kept = flags.filter((flag) => !extra.some(({ name }) => flag.startsWith(`--${name}=`)))
  const byName = (words: readonly string[]): string[] =>
    [...words].sort((a, b) => (a.replace('=', '\0') < b.replace('=', '\0') ? -1 : 1))
  return atLeast(version, '1.36') ? [...byName(kept), ...said] : byName([...kept, ...said])
}

const asMount = ({ name, hostPath, mountPath, pathType = '', readOnly = false }: ExtraVolume): Mount => ({
  ...{ name, path: hostPath, mountPath, type: pathType, writable: !readOnly },
})
