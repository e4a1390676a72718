import { atLeast } from './version-order.js'

/** What goes with one release of Kubernetes (kubeadm's constants.go and images.go of that release). */
export interface Release {
  readonly version: string
  /** What kubeadm stores. */
  readonly configApi: ConfigApi
  /** What kubeadm reads (apis/kubeadm/scheme and util/config/common.go, without what is experimental there). */
  readonly readsApis: readonly ConfigApi[]
  readonly etcdImage: string
  readonly etcdVersion: string
  readonly coreDnsTag: string
  readonly pauseTag: string
  /** ControlPlaneKubeletLocalMode: a joined control plane's kubelet talks to its own API server. */
  readonly localMode: boolean
  /** EtcdLearnerMode unless kubeadm-config sets it; `always`: it cannot be turned off. */
  readonly learnerMode: 'off' | 'on' | 'always'
  /** kubeadm 1.30 and older refuse to start without crictl in PATH. */
  readonly needsCrictl: boolean
  /** Organisation of admin.conf. */
  readonly adminGroup: string
  readonly superAdmin: boolean
}

export type ConfigApi = 'v1beta3' | 'v1beta4' | 'v1'

/** Tags as constants.go of v1.27.16, v1.28.15, v1.29.6, v1.30.4, v1.31.14, v1.32.13, v1.33.13, v1.34.4, v1.35.4, v1.36.3 and v1.37.2 has them. */
const images: Readonly<Record<string, readonly [etcd: string, coreDns: string, pause: string]>> = {
  '1.27': ['3.5.12-0', 'v1.10.1', '3.9'],
  '1.28': ['3.5.15-0', 'v1.10.1', '3.9'],
  '1.29': ['3.5.12-0', 'v1.11.1', '3.9'],
  '1.30': ['3.5.12-0', 'v1.11.1', '3.9'],
  '1.31': ['3.5.24-0', 'v1.11.3', '3.10'],
  '1.32': ['3.5.24-0', 'v1.11.3', '3.10'],
  '1.33': ['3.5.24-0', 'v1.12.0', '3.10'],
  '1.34': ['3.6.5-0', 'v1.12.1', '3.10.1'],
  '1.35': ['3.6.6-0', 'v1.13.1', '3.10.1'],
  '1.36': ['3.6.8-0', 'v1.14.2', '3.10.2'],
  '1.37': ['3.7.0-0', 'v1.14.6', '3.10.2'],
  // Two imagined releases: the first stores v1 and still reads v1beta4, the second does not.
  '1.38': ['3.7.0-0', 'v1.14.6', '3.10.2'],
  '1.40': ['3.7.0-0', 'v1.14.6', '3.10.2'],
}

/** Release facts for a version like `v1.37.2`; throws for one that the laboratory does not know. */
export function releaseOf(version: string): Release {
  const tags = images[version.replace(/^v(\d+\.\d+)\..*$/, '$1')]
  if (tags === undefined) throw new Error(`no release like ${version}: known are ${Object.keys(images).join(', ')}`)
  const [etcd, coreDnsTag, pauseTag] = tags
  const readsApis = configApisOf(version)
  return {
    version,
    configApi: readsApis[0],
    readsApis,
    etcdImage: `registry.k8s.io/etcd:${etcd}`,
    etcdVersion: etcd.replace(/-.*/, ''),
    coreDnsTag,
    pauseTag,
    localMode: atLeast(version, '1.33'),
    learnerMode: atLeast(version, '1.32') ? 'always' : atLeast(version, '1.29') ? 'on' : 'off',
    needsCrictl: !atLeast(version, '1.31'),
    adminGroup: atLeast(version, '1.29') ? 'kubeadm:cluster-admins' : 'system:masters',
    superAdmin: atLeast(version, '1.29'),
  }
}

/** Versions of the configuration API that kubeadm reads; the first is the one that it stores. */
function configApisOf(version: string): readonly [ConfigApi, ...ConfigApi[]] {
  if (atLeast(version, '1.40')) return ['v1']
  if (atLeast(version, '1.38')) return ['v1', 'v1beta4']
  if (atLeast(version, '1.37')) return ['v1beta4']
  return atLeast(version, '1.31') ? ['v1beta4', 'v1beta3'] : ['v1beta3']
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
