import type { Host } from '../../host/host.js'
import { readFolders } from '../../host/node-folders.js'
import { filesBelow } from '../backup/select-files.js'
import { cniFolder, kubeconfigPaths, kubeVipPaths, manifestPath, staticPodComponents } from '../context/paths.js'

/**
 * Files that the DaemonSet of a cluster network wrote: they name an API server that is gone. Other files there belong to
 * the node's setup, and a joiner needs them.
 */
const networkOfACluster = /calico|canal|cilium|flannel|weave|kube-router|antrea|ovn|multus/i

/** What `kubeadm init` or `join` made here, and what `kubeadm reset` leaves to the operator: a joiner must have none of it. */
export async function readLeftovers(host: Host): Promise<string[]> {
  const folders = await readFolders(host)
  const manifests = staticPodComponents.map((component) => manifestPath(folders, component))
  const named = [...Object.values(kubeconfigPaths), ...manifests, ...kubeVipPaths]
  const [present, pki, etcd, cni] = await Promise.all([
    Promise.all(named.map(async (path) => ((await exists(host, path)) ? [path] : []))),
    filesBelow(host, folders.certificatesDir).catch(() => []),
    entriesOf(host, folders.etcdDataDir),
    entriesOf(host, cniFolder),
  ])
  return [...present.flat(), ...pki, ...etcd, ...cni.filter((path) => networkOfACluster.test(path))].sort()
}

/** True for a file, folder or link of that path. */
export async function exists(host: Host, path: string): Promise<boolean> {
  const at = path.lastIndexOf('/')
  const beside = await host.list(path.slice(0, at) || '/').catch(() => [])
  return beside.some(({ name }) => name === path.slice(at + 1))
}

async function entriesOf(host: Host, folder: string): Promise<string[]> {
  const entries = await host.list(folder).catch(() => [])
  return entries.map(({ name }) => `${folder}/${name}`)
}

const distributions = {
  k3s: ['/var/lib/rancher/k3s', '/etc/rancher/k3s'],
  rke2: ['/var/lib/rancher/rke2', '/etc/rancher/rke2'],
  k0s: ['/var/lib/k0s', '/etc/k0s'],
  microk8s: ['/var/snap/microk8s'],
} as const

/** Another Kubernetes distribution with state on this node; empty for none. */
export async function readOtherDistribution(host: Host): Promise<string> {
  for (const [name, folders] of Object.entries(distributions)) {
    const found = await Promise.all(folders.map((folder) => exists(host, folder)))
    if (found.includes(true)) return name
  }
  return ''
}
