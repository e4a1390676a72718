import { posix } from 'node:path'
import type { ClusterFolders } from './cluster-folders.js'
import { below, type HostPath, onTheNode, type StaticPodView } from './static-pod.js'

/** Mounts that kubeadm makes itself (app/phases/controlplane/volumes.go, app/phases/etcd/local.go). */
const ownMounts = new Set([
  '/etc/ssl/certs',
  '/etc/ca-certificates',
  '/etc/pki',
  '/etc/pki/ca-trust',
  '/etc/pki/tls/certs',
  '/usr/share/ca-certificates',
  '/usr/local/share/ca-certificates',
  '/etc/kubernetes/controller-manager.conf',
  '/etc/kubernetes/scheduler.conf',
  '/usr/libexec/kubernetes/kubelet-plugins/volume/exec',
])

/** The same, where the cluster keeps it. */
const mountsOf = ({ certificatesDir, etcdDataDir }: ClusterFolders): readonly string[] => [
  certificatesDir,
  `${certificatesDir}/etcd`,
  etcdDataDir,
]

/** Files that kubeadm makes or downloads on each control plane (app/phases/certs, copycerts). */
const filesOf = ({ certificatesDir: folder }: ClusterFolders): readonly string[] =>
  [
    ...['ca', 'front-proxy-ca', 'etcd/ca', 'apiserver', 'apiserver-kubelet-client', 'apiserver-etcd-client'],
    ...['front-proxy-client', 'etcd/server', 'etcd/peer', 'etcd/healthcheck-client'],
  ]
    .flatMap((name) => [`${folder}/${name}.crt`, `${folder}/${name}.key`])
    .concat(`${folder}/sa.pub`, `${folder}/sa.key`)

/**
 * Client files for an external etcd. Their folders are mounted by kubeadm itself (app/phases/controlplane/volumes.go, getEtcdCertVolumes), and
 * what else lies there is no business of a joiner: an etcd on the same machine may keep its own keys beside them.
 */
const etcdClientFlags = ['etcd-cafile', 'etcd-certfile', 'etcd-keyfile']

/** Flags that name what a program writes, not what it reads. */
const outputFlags = new Set([
  'audit-log-path',
  'log-file',
  'log-dir',
  'data-dir',
  'wal-dir',
  'cert-dir',
  'profiling-path',
])

function pathsIn(value: string): string[] {
  return value.split(',').filter((path) => path.startsWith('/') && path.length > 1)
}

/** Types by which the kubelet refuses a pod whose path is not there; with the others it, or the container runtime, makes one (pkg/volume/hostpath/host_path.go). */
const strictTypes = new Set(['File', 'Directory', 'Socket', 'CharDevice', 'BlockDevice'])

/**
 * Folders of kubeadm's own mounts that this pod cannot do without: kubeadm mounts what is there and lets it be made, an operator's
 * extraVolumes may ask for it by type. They belong to each machine (CA certificates of its distribution) and are never brought.
 */
export const ownFoldersNeededBy = (pod: StaticPodView): readonly HostPath[] =>
  pod.hostPaths.filter(
    ({ path, type }) => ownMounts.has(path) && !path.startsWith('/etc/kubernetes/') && strictTypes.has(type),
  )

/**
 * Files and folders of the node that this pod reads and that kubeadm would not bring to another one: values of flags (audit
 * policy, encryption configuration, OIDC CA, ...) and mounts beyond kubeadm's own. A joiner without them gets a control plane
 * that never starts. Paths on the node, sorted; what the pod writes is left out.
 */
export function filesNamedBy(pod: StaticPodView, folders: ClusterFolders): string[] {
  const mounts = new Set([...ownMounts, ...mountsOf(folders)])
  const own = new Set([...mounts, ...filesOf(folders)])
  const outputs: string[] = []
  const named = new Set<string>()
  for (const [flag, value] of Object.entries(pod.flags)) {
    for (const path of pathsIn(value)) {
      const file = onTheNode(path, pod.hostPaths)
      if (file === undefined) continue
      if (outputFlags.has(flag)) outputs.push(file)
      else if (!own.has(file)) named.add(file)
    }
  }
  const etcdFolders = etcdClientFlags.map((flag) => posix.dirname(pod.flags[flag] ?? ''))
  for (const { path } of pod.hostPaths) {
    if (etcdFolders.includes(path)) continue
    const written = outputs.some((output) => below(output, path))
    if (!written && !mounts.has(path) && path !== pod.flags['flex-volume-plugin-dir']) named.add(path)
  }
  return [...named].sort()
}
