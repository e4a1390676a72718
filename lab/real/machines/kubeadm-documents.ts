import { stringify } from 'yaml'

interface Component {
  extraArgs?: unknown
  extraVolumes?: unknown[]
}

/** The documents of `kubeadm init`, which pieces can change before they are written. */
export interface KubeadmDocuments {
  readonly api: 'v1beta3' | 'v1beta4'
  readonly init: {
    localAPIEndpoint: { advertiseAddress: string; bindPort: number }
    nodeRegistration: { name: string; criSocket: string; kubeletExtraArgs?: unknown }
    patches?: { directory: string }
  }
  readonly cluster: {
    kubernetesVersion: string
    networking: Record<string, string>
    apiServer?: Component & { certSANs?: string[] }
    controllerManager?: Component
    scheduler?: Component
    etcd?: unknown
    certificatesDir?: string
    clusterName?: string
    controlPlaneEndpoint?: string
  }
  readonly kubelet: Record<string, unknown>
  readonly kubeProxy: Record<string, unknown>
}

/** The documents of `kubeadm init`: no controlPlaneEndpoint, as in thousands of clusters; the rest is required in a container. */
export function textbookDocuments(version: string, first: { name: string; address: string }): KubeadmDocuments {
  const old = /^v1\.(2\d|30)\./.test(version)
  return {
    api: old ? 'v1beta3' : 'v1beta4',
    init: {
      localAPIEndpoint: { advertiseAddress: first.address, bindPort: 6443 },
      nodeRegistration: { name: first.name, criSocket: 'unix:///run/containerd/containerd.sock' },
    },
    cluster: { kubernetesVersion: version, networking: { serviceSubnet: '10.96.0.0/12' } },
    kubelet: {
      cgroupDriver: 'cgroupfs',
      failSwapOn: false,
      oomScoreAdj: 0,
      // The nodes share this machine's disk: a kubelet with a full disk would delete images that no registry can restore.
      imageGCHighThresholdPercent: 100,
      evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
      ...(old ? {} : { failCgroupV1: false }),
    },
    kubeProxy: { mode: 'iptables', oomScoreAdj: 0, conntrack: { maxPerCore: 0, min: 0 } },
  }
}

/** Flags in the form of this configuration API: a map in v1beta3, a list in v1beta4. */
export function extraArgs(api: KubeadmDocuments['api'], flags: Readonly<Record<string, string>>): unknown {
  return api === 'v1beta3' ? flags : Object.entries(flags).map(([name, value]) => ({ name, value }))
}

export function kubeadmText({ api, init, cluster, kubelet, kubeProxy }: KubeadmDocuments): string {
  const kubeadm = `kubeadm.k8s.io/${api}`
  return [
    { apiVersion: kubeadm, kind: 'InitConfiguration', ...init },
    { apiVersion: kubeadm, kind: 'ClusterConfiguration', ...cluster },
    { apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration', ...kubelet },
    { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', ...kubeProxy },
  ]
    .map((document) => stringify(document))
    .join('---\n')
}
