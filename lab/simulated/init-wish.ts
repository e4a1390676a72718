/** The options of `kubeadm init --config`, and files on the machine before it. */
export interface InitWish {
  readonly bindPort?: number
  /** For the ClusterConfiguration; default: kubeadm's own. */
  readonly certificatesDir?: string
  /** `etcd.local.dataDir`; default: kubeadm's own. */
  readonly etcdDataDir?: string
  /** `networking.serviceSubnet`; default: kubeadm's own. */
  readonly serviceSubnet?: string
  readonly certSANs?: readonly string[]
  /** They are only in the certificate: it was made again by hand, without a change of kubeadm-config. */
  readonly certSansForgotten?: boolean
  /** extraArgs of kube-apiserver. */
  readonly apiServerArgs?: Readonly<Record<string, string>>
  /** extraVolumes of kube-apiserver: files or folders that are mounted where they are. */
  readonly apiServerVolumes?: readonly ExtraVolume[]
  /** Files of the first control plane, by path. Those below /etc/kubernetes/patches are given to kubeadm as `patches.directory`. */
  readonly files?: Readonly<Record<string, { readonly text: string; readonly mode: number }>>
}

export interface ExtraVolume {
  readonly name: string
  readonly hostPath: string
  readonly mountPath: string
  readonly readOnly?: boolean
  readonly pathType?: string
}

/** etcd.external of a ClusterConfiguration. */
export interface ExternalEtcd {
  readonly endpoints: readonly string[]
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
}

/** kubeadm's own certificatesDir and etcd.local.dataDir (apis/kubeadm/v1beta4/defaults.go). */
export const [usualCertificatesDir, usualEtcdDataDir] = ['/etc/kubernetes/pki', '/var/lib/etcd'] as const

export const patchesFolder = '/etc/kubernetes/patches'

/** Whether kubeadm was given patches. */
export const withPatches = ({ files = {} }: InitWish): boolean =>
  Object.keys(files).some((path) => path.startsWith(`${patchesFolder}/`))
