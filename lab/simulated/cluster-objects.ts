import type { ExternalEtcd } from './init-wish.js'
import { type InitWish, usualCertificatesDir, usualEtcdDataDir } from './init-wish.js'
import { atLeast } from './version-order.js'
import type { Release } from './versions.js'
import { yamlText } from './yaml-text.js'

export interface ClusterFacts {
  readonly release: Release
  readonly caPem: string
  /** `https://IP:6443` of the first control plane, or of the endpoint. */
  readonly server: string
  readonly controlPlaneEndpoint?: string
  readonly init?: InitWish
  readonly externalEtcd?: ExternalEtcd
}

/** data.ClusterConfiguration of kubeadm-config, as kubeadm init with defaults stores it. */
export function clusterConfiguration({ release, controlPlaneEndpoint, externalEtcd, init = {} }: ClusterFacts): string {
  const old = release.configApi === 'v1beta3'
  return yamlText({
    apiServer: { ...wishedApiServer(init, old), ...(old ? { timeoutForControlPlane: '4m0s' } : {}) },
    apiVersion: `kubeadm.k8s.io/${release.configApi}`,
    ...(old ? {} : { caCertificateValidityPeriod: '87600h0m0s', certificateValidityPeriod: '8760h0m0s' }),
    certificatesDir: init.certificatesDir ?? usualCertificatesDir,
    clusterName: 'kubernetes',
    ...(controlPlaneEndpoint === undefined ? {} : { controlPlaneEndpoint }),
    controllerManager: {},
    dns: {},
    ...(old ? {} : { encryptionAlgorithm: 'RSA-2048' }),
    etcd:
      externalEtcd === undefined
        ? { local: { dataDir: init.etcdDataDir ?? usualEtcdDataDir } }
        : { external: externalEtcd },
    imageRepository: 'registry.k8s.io',
    kind: 'ClusterConfiguration',
    kubernetesVersion: release.version,
    networking: { dnsDomain: 'cluster.local', serviceSubnet: init.serviceSubnet ?? '10.96.0.0/12' },
    ...(old ? {} : { proxy: {} }),
    scheduler: {},
  })
}

function wishedApiServer({ certSANs, apiServerArgs, apiServerVolumes }: InitWish, old: boolean): object {
  const asList = Object.entries(apiServerArgs ?? {}).map(([name, value]) => ({ name, value }))
  return {
    ...(certSANs === undefined ? {} : { certSANs }),
    ...(apiServerArgs === undefined ? {} : { extraArgs: old ? apiServerArgs : asList }),
    ...(apiServerVolumes === undefined ? {} : { extraVolumes: apiServerVolumes }),
  }
}

/** data.kubeconfig of kube-public/cluster-info. */
export function clusterInfoKubeconfig({ caPem, server }: ClusterFacts): string {
  const cluster = { 'certificate-authority-data': Buffer.from(caPem).toString('base64'), server }
  return yamlText({
    apiVersion: 'v1',
    clusters: [{ cluster, name: '' }],
    contexts: null,
    'current-context': '',
    kind: 'Config',
    users: null,
  })
}

/** data["kubeconfig.conf"] of the ConfigMap kube-proxy. */
export function kubeProxyKubeconfig(server: string): string {
  return `apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
    server: ${server}
  name: default
contexts:
- context:
    cluster: default
    namespace: default
    user: default
  name: default
current-context: default
users:
- name: default
  user:
    tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token`
}

export function kubeProxyConfiguration(mode: string): string {
  return yamlText({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    bindAddress: '0.0.0.0',
    clientConnection: { kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf', burst: 0, qps: 0 },
    clusterCIDR: '',
    kind: 'KubeProxyConfiguration',
    mode,
  }).trimEnd()
}

export function kubeletConfiguration({ release, init = {} }: Pick<ClusterFacts, 'release' | 'init'>): string {
  return yamlText({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    authentication: {
      anonymous: { enabled: false },
      webhook: { cacheTTL: '0s', enabled: true },
      x509: { clientCAFile: `${init.certificatesDir ?? usualCertificatesDir}/ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    cgroupDriver: 'systemd',
    clusterDNS: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    ...(atLeast(release.version, '1.32') ? { crashLoopBackOff: {} } : {}),
    healthzBindAddress: '127.0.0.1',
    healthzPort: 10248,
    kind: 'KubeletConfiguration',
    rotateCertificates: true,
    staticPodPath: '/etc/kubernetes/manifests',
  })
}
