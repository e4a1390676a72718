import { isIPv6 } from 'node:net'
import { posix } from 'node:path'
import { asConfigured } from './as-configured.js'
import { hostPort, httpsUrl } from './host-port.js'
import type { ExternalEtcd } from './init-wish.js'
import type { ClusterConfiguration } from './kubeadm-config.js'
import type { Component, Mount, PodParts, Probe } from './pod-parts.js'
import { atLeast } from './version-order.js'
import type { Release } from './versions.js'
import { yamlText } from './yaml-text.js'

export interface StaticPodWish {
  readonly release: Release
  readonly nodeName: string
  readonly address: string
  readonly bindPort: number
  readonly serviceSubnet: string
  readonly externalEtcd?: ExternalEtcd | undefined
  /** etcd's members, the new one last: `name=https://IP:2380`. A single one is a new cluster. */
  readonly initialCluster: readonly string[]
  readonly cluster: ClusterConfiguration
  /** The key of the cluster's CA is not on the node: its controller-manager signs nothing. */
  readonly externalCa?: boolean
  readonly certificatesDir: string
  readonly etcdDataDir: string
}

const caMounts = (pki: string): readonly Mount[] => [
  { name: 'ca-certs', path: '/etc/ssl/certs', type: 'DirectoryOrCreate' },
  { name: 'etc-ca-certificates', path: '/etc/ca-certificates', type: 'DirectoryOrCreate' },
  { name: 'k8s-certs', path: pki, type: 'DirectoryOrCreate' },
  { name: 'usr-local-share-ca-certificates', path: '/usr/local/share/ca-certificates', type: 'DirectoryOrCreate' },
  { name: 'usr-share-ca-certificates', path: '/usr/share/ca-certificates', type: 'DirectoryOrCreate' },
]

/** Manifest text of one static pod, as kubeadm of that release writes it. */
export function staticPodManifest(component: Component, wish: StaticPodWish): string {
  const pod = parts[component](wish)
  return podText(asConfigured(pod, wish.cluster, wish.release), wish.release)
}

const local = (port: number, path: string, scheme: 'HTTP' | 'HTTPS' = 'HTTPS'): Probe => ({
  host: '127.0.0.1',
  path,
  port,
  scheme,
})

const parts: Record<Component, (wish: StaticPodWish) => PodParts> = {
  'kube-apiserver': apiServerParts,
  etcd: etcdParts,
  'kube-controller-manager': ({ release, cluster, externalCa = false, certificatesDir: pki }) => ({
    component: 'kube-controller-manager',
    image: `registry.k8s.io/kube-controller-manager:${release.version}`,
    flags: [
      '--authentication-kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--authorization-kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--bind-address=127.0.0.1',
      `--client-ca-file=${pki}/ca.crt`,
      `--cluster-name=${cluster.clusterName ?? 'kubernetes'}`,
      `--cluster-signing-cert-file=${externalCa ? '' : `${pki}/ca.crt`}`,
      `--cluster-signing-key-file=${externalCa ? '' : `${pki}/ca.key`}`,
      '--controllers=*,bootstrapsigner,tokencleaner',
      '--kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--leader-elect=true',
      `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`,
      `--root-ca-file=${pki}/ca.crt`,
      `--service-account-private-key-file=${pki}/sa.key`,
      '--use-service-account-credentials=true',
    ],
    requests: { cpu: '200m' },
    live: local(10257, '/healthz'),
    start: local(10257, '/healthz'),
    mounts: [
      ...caMounts(pki).slice(0, 2),
      ...(atLeast(release.version, '1.36')
        ? []
        : [
            {
              name: 'flexvolume-dir',
              path: '/usr/libexec/kubernetes/kubelet-plugins/volume/exec',
              type: 'DirectoryOrCreate' as const,
              writable: true,
            },
          ]),
      ...caMounts(pki).slice(2, 3),
      { name: 'kubeconfig', path: '/etc/kubernetes/controller-manager.conf', type: 'FileOrCreate' },
      ...caMounts(pki).slice(3),
    ],
  }),
  'kube-scheduler': ({ release }) => ({
    component: 'kube-scheduler',
    image: `registry.k8s.io/kube-scheduler:${release.version}`,
    flags: [
      '--authentication-kubeconfig=/etc/kubernetes/scheduler.conf',
      '--authorization-kubeconfig=/etc/kubernetes/scheduler.conf',
      '--bind-address=127.0.0.1',
      '--kubeconfig=/etc/kubernetes/scheduler.conf',
      '--leader-elect=true',
    ],
    requests: { cpu: '100m' },
    live: local(10259, atLeast(release.version, '1.32') ? '/livez' : '/healthz'),
    start: local(10259, atLeast(release.version, '1.32') ? '/livez' : '/healthz'),
    ...(atLeast(release.version, '1.32') ? { ready: local(10259, '/readyz') } : {}),
    mounts: [{ name: 'kubeconfig', path: '/etc/kubernetes/scheduler.conf', type: 'FileOrCreate' }],
  }),
}

/** Loopback of the address's own family, as kubeadm has it (app/phases/controlplane/manifests.go, app/phases/etcd/local.go). */
const loopbackFor = (address: string): string => (isIPv6(address) ? '::1' : '127.0.0.1')

/** A stacked etcd: its loopback address, and the client certificate that kubeadm issues. */
const ownEtcd = (address: string, pki: string): ExternalEtcd => ({
  endpoints: [httpsUrl(loopbackFor(address), 2379)],
  caFile: `${pki}/etcd/ca.crt`,
  certFile: `${pki}/apiserver-etcd-client.crt`,
  keyFile: `${pki}/apiserver-etcd-client.key`,
})

/** Folders of the client's files that no other mount has (app/phases/controlplane/volumes.go, getEtcdCertVolumes). */
function etcdMounts({ caFile, certFile, keyFile }: ExternalEtcd, pki: string): Mount[] {
  const folders = new Set([caFile, certFile, keyFile].map((file) => posix.dirname(file)))
  const others = [...folders].sort().filter((folder) => !folder.startsWith(pki) && !folder.startsWith('/etc/ssl/certs'))
  return others.map((path, index) => ({ name: `etcd-certs-${index}`, path, type: 'DirectoryOrCreate' }))
}

function apiServerParts(wish: StaticPodWish): PodParts {
  const { release, cluster, address, bindPort, serviceSubnet, certificatesDir: pki } = wish
  const { externalEtcd: etcd = ownEtcd(address, pki) } = wish
  const probe = (path: string): Probe => ({ host: address, path, port: bindPort, scheme: 'HTTPS' })
  return {
    component: 'kube-apiserver',
    image: `registry.k8s.io/kube-apiserver:${release.version}`,
    annotations: { 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint': hostPort(address, bindPort) },
    flags: [
      `--advertise-address=${address}`,
      '--allow-privileged=true',
      '--authorization-mode=Node,RBAC',
      `--client-ca-file=${pki}/ca.crt`,
      '--enable-admission-plugins=NodeRestriction',
      '--enable-bootstrap-token-auth=true',
      `--etcd-cafile=${etcd.caFile}`,
      `--etcd-certfile=${etcd.certFile}`,
      `--etcd-keyfile=${etcd.keyFile}`,
      `--etcd-servers=${etcd.endpoints.join(',')}`,
      `--kubelet-client-certificate=${pki}/apiserver-kubelet-client.crt`,
      `--kubelet-client-key=${pki}/apiserver-kubelet-client.key`,
      '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname',
      `--proxy-client-cert-file=${pki}/front-proxy-client.crt`,
      `--proxy-client-key-file=${pki}/front-proxy-client.key`,
      '--requestheader-allowed-names=front-proxy-client',
      `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`,
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-username-headers=X-Remote-User',
      `--secure-port=${bindPort}`,
      `--service-account-issuer=https://kubernetes.default.svc.${cluster.networking?.dnsDomain ?? 'cluster.local'}`,
      `--service-account-key-file=${pki}/sa.pub`,
      `--service-account-signing-key-file=${pki}/sa.key`,
      `--service-cluster-ip-range=${serviceSubnet}`,
      `--tls-cert-file=${pki}/apiserver.crt`,
      `--tls-private-key-file=${pki}/apiserver.key`,
    ],
    requests: { cpu: '250m' },
    live: probe('/livez'),
    start: probe('/livez'),
    ready: probe('/readyz'),
    mounts: [...caMounts(pki), ...etcdMounts(etcd, pki)],
  }
}

function etcdParts(wish: StaticPodWish): PodParts {
  const { release, address, nodeName, initialCluster, certificatesDir: pki, etcdDataDir } = wish
  const modern = atLeast(release.version, '1.34')
  const [client, peer] = [httpsUrl(address, 2379), httpsUrl(address, 2380)]
  const flags = [
    `--advertise-client-urls=${client}`,
    `--cert-file=${pki}/etcd/server.crt`,
    '--client-cert-auth=true',
    `--data-dir=${etcdDataDir}`,
    modern ? '--feature-gates=InitialCorruptCheck=true' : '--experimental-initial-corrupt-check=true',
    ...(modern ? [] : ['--experimental-watch-progress-notify-interval=5s']),
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=${initialCluster.join(',')}`,
    ...(initialCluster.length > 1 ? ['--initial-cluster-state=existing'] : []),
    `--key-file=${pki}/etcd/server.key`,
    `--listen-client-urls=${httpsUrl(loopbackFor(address), 2379)},${client}`,
    `--listen-metrics-urls=http://${hostPort(loopbackFor(address), 2381)}`,
    `--listen-peer-urls=${peer}`,
    `--name=${nodeName}`,
    `--peer-cert-file=${pki}/etcd/peer.crt`,
    '--peer-client-cert-auth=true',
    `--peer-key-file=${pki}/etcd/peer.key`,
    `--peer-trusted-ca-file=${pki}/etcd/ca.crt`,
    '--snapshot-count=10000',
    `--trusted-ca-file=${pki}/etcd/ca.crt`,
    ...(modern ? ['--watch-progress-notify-interval=5s'] : []),
  ]
  return {
    component: 'etcd',
    image: release.etcdImage,
    annotations: { 'kubeadm.kubernetes.io/etcd.advertise-client-urls': client },
    flags,
    requests: { cpu: '100m', memory: '100Mi' },
    live: local(2381, modern ? '/livez' : '/health?exclude=NOSPACE&serializable=true', 'HTTP'),
    start: local(2381, modern ? '/readyz' : '/health?serializable=false', 'HTTP'),
    ...(modern ? { ready: local(2381, '/readyz', 'HTTP') } : {}),
    mounts: [
      { name: 'etcd-data', path: etcdDataDir, type: 'DirectoryOrCreate', writable: true },
      { name: 'etcd-certs', path: `${pki}/etcd`, type: 'DirectoryOrCreate', writable: true },
    ],
  }
}

function podText(pod: PodParts, release: Release): string {
  const named = atLeast(release.version, '1.34')
  const probe = (p: Probe, rest: Record<string, number>): unknown => ({
    ...rest,
    httpGet: { host: p.host, path: p.path, port: named ? 'probe-port' : p.port, scheme: p.scheme },
    timeoutSeconds: 15,
  })
  const slow = { initialDelaySeconds: 10, periodSeconds: 10 }
  return yamlText({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(pod.annotations === undefined ? {} : { annotations: pod.annotations }),
      ...(named ? {} : { creationTimestamp: null }),
      labels: { component: pod.component, tier: 'control-plane' },
      name: pod.component,
      namespace: 'kube-system',
    },
    spec: {
      containers: [
        {
          command: [pod.component, ...pod.flags],
          ...(pod.env === undefined || pod.env.length === 0 ? {} : { env: pod.env }),
          image: pod.image,
          imagePullPolicy: 'IfNotPresent',
          livenessProbe: probe(pod.live, { failureThreshold: 8, ...slow }),
          name: pod.component,
          ...(named ? { ports: [{ containerPort: pod.live.port, name: 'probe-port', protocol: 'TCP' }] } : {}),
          ...(pod.ready === undefined
            ? {}
            : { readinessProbe: probe(pod.ready, { failureThreshold: 3, periodSeconds: 1 }) }),
          resources: { requests: pod.requests },
          startupProbe: probe(pod.start, { failureThreshold: 24, ...slow }),
          volumeMounts: pod.mounts.map(({ name, path, mountPath = path, writable }) => ({
            mountPath,
            name,
            ...(writable ? {} : { readOnly: true }),
          })),
        },
      ],
      hostNetwork: true,
      priority: 2000001000,
      priorityClassName: 'system-node-critical',
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      volumes: [...pod.mounts]
        .sort((a, b) => (pod.component === 'etcd' ? (a.name < b.name ? -1 : 1) : 0))
        .map(({ name, path, type }) => ({ hostPath: { path, type }, name })),
    },
    status: {},
  })
}
