import { posix } from 'node:path'
import { onTheNode, type StaticPodView } from './static-pod.js'

/** Folders that are a cluster's own choice: `certificatesDir` and `etcd.local.dataDir` of its ClusterConfiguration. */
export interface ClusterFolders {
  readonly certificatesDir: string
  readonly etcdDataDir: string
}

/** kubeadm's own (apis/kubeadm/v1beta4/defaults.go). */
export const kubeadmFolders: ClusterFolders = {
  certificatesDir: '/etc/kubernetes/pki',
  etcdDataDir: '/var/lib/etcd',
}

/** Folders of the system: Quorate does not search, write or remove anything in them or below. */
const ofTheSystem = [
  ...['/bin', '/boot', '/dev', '/home', '/lib', '/lib32', '/lib64', '/lost+found', '/proc', '/run', '/sbin', '/sys'],
  ...['/tmp', '/usr', '/var/tmp', '/var/run', '/var/log', '/var/cache', '/var/spool', '/snap'],
  ...['/etc/apt', '/etc/cron.d', '/etc/default', '/etc/dpkg', '/etc/init.d', '/etc/ld.so.conf.d', '/etc/modprobe.d'],
  ...['/etc/pam.d', '/etc/profile.d', '/etc/quorate', '/etc/security', '/etc/ssh', '/etc/ssl/certs', '/etc/sudoers.d'],
  ...['/etc/sysconfig', '/etc/systemd', '/etc/udev', '/etc/haproxy', '/etc/keepalived', '/etc/cni'],
  ...['/root/.ssh', '/var/lib/containerd', '/var/lib/containers', '/var/lib/docker', '/var/lib/dpkg', '/var/lib/rpm'],
  ...['/var/lib/quorate', '/var/lib/quorate-agent', '/var/lib/systemd', '/etc/kubernetes/manifests'],
]

/** Folders that others share: a cluster's own may be below, never the very folder. */
const shared = [
  ...['/etc/kubernetes', '/etc/ssl', '/etc/ssl/private', '/etc/pki', '/etc/pki/tls', '/etc/cron'],
  ...['/var/lib', '/var/lib/kubelet', '/var/opt', '/var/mnt', '/usr/local'],
]

const below = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

/** Why a folder cannot be one of a cluster's own; undefined where it can. */
export function folderProblem(path: string): string | undefined {
  if (path.length > 200 || !/^(\/[A-Za-z0-9._@+-]+)+$/.test(path)) return 'is not a plain absolute path'
  if (path.split('/').some((part) => part === '..' || part === '.')) return 'is not a plain absolute path'
  if (ofTheSystem.some((one) => below(path, one))) return 'belongs to the system'
  if (shared.includes(path) || path.indexOf('/', 1) < 0) return 'is not used by the cluster only'
  return undefined
}

/** Flags of kube-apiserver whose files kubeadm keeps in its folder of certificates, and what it calls them (app/phases/controlplane/manifests.go). */
const kubeadmNames: Readonly<Record<string, string>> = {
  'service-account-signing-key-file': 'sa.key',
  'service-account-key-file': 'sa.pub',
  'client-ca-file': 'ca.crt',
  'requestheader-client-ca-file': 'front-proxy-ca.crt',
  'proxy-client-cert-file': 'front-proxy-client.crt',
  'kubelet-client-certificate': 'apiserver-kubelet-client.crt',
  'tls-cert-file': 'apiserver.crt',
  'tls-private-key-file': 'apiserver.key',
}

/** Where a control plane keeps its certificates: the folder of most files that the flags of its API server name. */
export function certificatesDirOf({
  flags,
  hostPaths,
}: Pick<StaticPodView, 'flags' | 'hostPaths'>): string | undefined {
  const counts = new Map<string, number>()
  for (const [flag, name] of Object.entries(kubeadmNames)) {
    const told = flags[flag]?.split(',')[0] ?? ''
    if (posix.basename(told) !== name || !told.startsWith('/')) continue
    const folder = posix.dirname(onTheNode(told, hostPaths) ?? told)
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  const [most] = [...counts].sort(([, one], [, other]) => other - one)
  return most?.[0]
}

/** Where an etcd keeps its data. */
export function etcdDataDirOf({ flags, hostPaths }: Pick<StaticPodView, 'flags' | 'hostPaths'>): string | undefined {
  const told = flags['data-dir']
  return told?.startsWith('/') ? posix.normalize(onTheNode(told, hostPaths) ?? told).replace(/\/$/, '') : undefined
}
