import { posix } from 'node:path'
import { kubeVipConfPath } from '@quorate/shared/kube-vip-manifest'
import type { NodeFolders } from '../../host/node-folders.js'
import { kubeconfigPaths, pkiFiles } from '../context/paths.js'

/**
 * THE FOLDERS FOR SHARED FILES: the control plane's own. Nothing outside of it reads there, so what is written there runs nothing as root; but for
 * a cluster's folder of certificates elsewhere, which a request may name, files are copied by hand.
 */
const agreed = ['/etc/kubernetes', '/var/lib/kubernetes']
/** The certificates with which API servers ask an etcd on machines of its own, where guides of etcd put them. */
const ofEtcdClients = /^\/etc\/(?:etcd|ssl\/etcd)\/.+\.(?:crt|pem|key)$/

/** What of these the kubelet reads, or the agent or kubeadm makes. */
const never = ['/etc/kubernetes/manifests', kubeVipConfPath, ...Object.values(kubeconfigPaths)]
const ofKubelet = /^\/etc\/kubernetes\/kubelet/

/** What kubeadm makes or copies itself, in any folder of this cluster. */
const ofCluster = (folders: NodeFolders): string[] => [folders.manifests, folders.etcdDataDir, ...pkiFiles(folders)]

const below = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

/** True for a path whose file may be copied from the first control plane to a joiner. */
export function isShareable(path: string, folders: NodeFolders): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a control character in a path is the point
  if (!path.startsWith('/') || posix.normalize(path) !== path || /[\u0000-\u001f]|\/$/.test(path)) return false
  return (
    (agreed.some((folder) => path.startsWith(`${folder}/`)) || ofEtcdClients.test(path)) &&
    !ofKubelet.test(path) &&
    ![...never, ...ofCluster(folders)].some((one) => below(path, one))
  )
}

/** Readable as on the first control plane, for root alone to write, and never a program. */
export const sharedMode = (mode: number): number => mode & 0o644
