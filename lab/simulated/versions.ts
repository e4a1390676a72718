import { atLeast } from './version-order.js'

/** What goes with one release of Kubernetes (kubeadm's constants.go and images.go of that release). */
export interface Release {
  readonly version: string
  readonly configApi: 'v1beta3' | 'v1beta4'
  readonly etcdImage: string
  readonly etcdVersion: string
  readonly coreDnsTag: string
  readonly pauseTag: string
  /** ControlPlaneKubeletLocalMode: a joined control plane's kubelet talks to its own API server. */
  readonly localMode: boolean
  /** kubeadm 1.30 and older refuse to start without crictl in PATH. */
  readonly needsCrictl: boolean
}

const images: Readonly<Record<string, readonly [etcd: string, coreDns: string, pause: string]>> = {
  '1.30': ['3.5.12-0', 'v1.11.1', '3.9'],
  '1.34': ['3.6.5-0', 'v1.12.1', '3.10.1'],
  '1.37': ['3.7.0-0', 'v1.14.6', '3.10.2'],
}

/** Release facts for a version like `v1.37.2`; throws for one that the laboratory does not know. */
export function releaseOf(version: string): Release {
  const tags = images[version.replace(/^v(\d+\.\d+)\..*$/, '$1')]
  if (tags === undefined) throw new Error(`no release like ${version}: known are ${Object.keys(images).join(', ')}`)
  const [etcd, coreDnsTag, pauseTag] = tags
  return {
    version,
    configApi: atLeast(version, '1.31') ? 'v1beta4' : 'v1beta3',
    etcdImage: `registry.k8s.io/etcd:${etcd}`,
    etcdVersion: etcd.replace(/-.*/, ''),
    coreDnsTag,
    pauseTag,
    localMode: atLeast(version, '1.33'),
    needsCrictl: !atLeast(version, '1.31'),
  }
}

/** What `kubeadm config images list` prints for a control plane. */
export function controlPlaneImages(release: Release, repository = 'registry.k8s.io'): string[] {
  const etcd = release.etcdImage.replace('registry.k8s.io', repository)
  const own = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy']
  return [
    ...own.map((name) => `${repository}/${name}:${release.version}`),
    `${repository}/coredns/coredns:${release.coreDnsTag}`,
    `${repository}/pause:${release.pauseTag}`,
    etcd,
  ]
}
