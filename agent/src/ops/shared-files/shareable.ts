import { posix } from 'node:path'
import type { NodeFolders } from '../../host/node-folders.js'
import { kubeconfigPaths, pkiFiles } from '../paths.js'

const roots = ['/etc', '/var/lib', '/opt', '/usr/local']

/** Files that would give the holder of one control plane all of another, or that are this node's own. */
const never = [
  ...['shadow', 'shadow-', 'gshadow', 'gshadow-', 'passwd', 'passwd-', 'group', 'sudoers', 'sudoers.d', 'ssh'],
  ...[
    'systemd',
    'pam.d',
    'security',
    'ld.so.preload',
    'ld.so.conf',
    'ld.so.conf.d',
    'profile',
    'profile.d',
    'bash.bashrc',
  ],
  ...['environment', 'init.d', 'rc.local', 'udev', 'modprobe.d', 'apt', 'dpkg', 'NetworkManager', 'network'],
  ...['localtime', 'timezone', 'adjtime', 'resolv.conf', 'nsswitch.conf', 'os-release', 'mtab'],
  ...['hosts', 'hostname', 'machine-id', 'fstab', 'quorate', 'haproxy', 'keepalived', 'containerd', 'crio'],
]
  .map((name) => `/etc/${name}`)
  .concat('/var/lib/quorate-agent', '/var/lib/quorate', '/var/lib/kubelet', '/var/lib/containerd')
  .concat('/var/lib/systemd', '/var/lib/dpkg', '/var/lib/dbus', '/usr/local/bin', '/usr/local/sbin', '/usr/local/lib')
  .concat('/var/lib/etcd', '/etc/kubernetes/manifests', ...Object.values(kubeconfigPaths))

/** What kubeadm makes or copies itself, in any folder of this cluster. */
const ofCluster = (folders: NodeFolders): string[] => [folders.manifests, folders.etcdDataDir, ...pkiFiles(folders)]

const below = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

/** True for a path whose file may be copied from the first control plane to a joiner. */
export function isShareable(path: string, folders: NodeFolders): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a control character in a path is the point
  if (!path.startsWith('/') || posix.normalize(path) !== path || /[\u0000-\u001f]|\/$/.test(path)) return false
  if (/^\/etc\/cron[^/]*(\/|$)/.test(path)) return false
  return (
    roots.some((root) => path.startsWith(`${root}/`)) &&
    ![...never, ...ofCluster(folders)].some((one) => below(path, one))
  )
}
