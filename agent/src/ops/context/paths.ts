import { QuorateError } from '@quorate/shared/errors'
import { kubeVipConfPath, kubeVipManifestPath } from '@quorate/shared/kube-vip-manifest'
import { type KubeletPlaces, usualKubelet } from '@quorate/shared/kubelet-command'
import { loadBalancerPaths } from '@quorate/shared/load-balancer-place'
import { parseRunId } from '@quorate/shared/names'
import type { Host } from '../../host/host.js'
import { readKubelet } from '../../host/kubelet-places.js'
import { type NodeFolders, readFolders } from '../../host/node-folders.js'

/**
 * THE table of what the agent may touch on its node. Only a path that is here, or made here, is ever written. The cluster's own folders
 * (certificates, etcd's data, static pods) are found on the node by host/node-folders.ts; its kubelet's files by host/kubelet-places.ts.
 */

export const kubernetesFolder = '/etc/kubernetes'
/**
 * Folder of kubeadm's patches of manifests. kubeadm keeps no record of `patches.directory`; its users
 * and related tools use this folder by convention (docs/decisions/0011-patches.md).
 */
export const patchesFolder = '/etc/kubernetes/patches'
export const cniFolder = '/etc/cni/net.d'
/** Where kubeadm writes the kubelet's configuration, whatever its --root-dir is (app/constants, KubeletRunDirectory). */
export const kubeletFolder = '/var/lib/kubelet'
const kubeletFlagsPath = '/var/lib/kubelet/kubeadm-flags.env'
export const hostsPath = '/etc/hosts'
/** Read-only. */
export const containerdConfigPath = '/etc/containerd/config.toml'

/** tmpfs of the agent, 0700: staged files and the join secret are only here. */
export const runtimeFolder = '/run/quorate-agent'

/** kubeadm's kubeconfigs by purpose; `user` has no fixed path, see kubeconfigPath. */
export const kubeconfigPaths = {
  kubelet: '/etc/kubernetes/kubelet.conf',
  'bootstrap-kubelet': '/etc/kubernetes/bootstrap-kubelet.conf',
  admin: '/etc/kubernetes/admin.conf',
  'super-admin': '/etc/kubernetes/super-admin.conf',
  'controller-manager': '/etc/kubernetes/controller-manager.conf',
  scheduler: '/etc/kubernetes/scheduler.conf',
} as const

/** Where users keep the copy of admin.conf that kubeadm suggests. */
const userKubeconfig = /^\/(root|home\/[A-Za-z0-9._-]+)\/\.kube\/config$/

export const isUserKubeconfigPath = (path: string): boolean => userKubeconfig.test(path) && !path.includes('/../')

const isFixedPurpose = (purpose: string): purpose is keyof typeof kubeconfigPaths =>
  Object.hasOwn(kubeconfigPaths, purpose)

/** kubeadm's kubeconfigs of a node; for the kubelet the one that it reads. */
export const kubeconfigsWith = ({ kubeconfig }: Pick<KubeletPlaces, 'kubeconfig'>) => ({
  ...kubeconfigPaths,
  kubelet: kubeconfig,
})

/** The path of a kubeconfig by purpose (and path, for purpose `user`); NOT_IN_TABLE for anything else. */
export async function kubeconfigPath(host: Host, purpose: string, path: string): Promise<string> {
  if (purpose === 'kubelet') return (await readKubelet(host)).kubeconfig
  if (isFixedPurpose(purpose)) return kubeconfigPaths[purpose]
  if (purpose === 'user' && isUserKubeconfigPath(path)) return path
  const named =
    purpose === 'user' ? `the user kubeconfig ${JSON.stringify(path)}` : `the purpose ${JSON.stringify(purpose)}`
  throw new QuorateError('NOT_IN_TABLE', `${named} is not in the agent's table of kubeconfigs`)
}

export const staticPodComponents = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'] as const
type StaticPodComponent = (typeof staticPodComponents)[number]

type Manifests = Pick<NodeFolders, 'manifests'>
type Certificates = Pick<NodeFolders, 'certificatesDir'>

export const manifestPath = ({ manifests }: Manifests, component: StaticPodComponent): string =>
  `${manifests}/${component}.yaml`

/** The manifest of a component on this node. */
export const manifestOn = async (host: Host, component: StaticPodComponent): Promise<string> =>
  manifestPath(await readFolders(host), component)

/** A file below kubeadm's folder of certificates: `ca.crt`, `etcd/server.key`. */
export const pkiPath = ({ certificatesDir }: Certificates, file: string): string => `${certificatesDir}/${file}`

/** The same on this node. */
export const pkiOn = async (host: Host, file: string): Promise<string> => pkiPath(await readFolders(host), file)

/** kubeadm's certificates and keys, relative to its certificates folder (kubeadm cmd/phases/certs: the certificate tree, and sa). */
const pkiNames: readonly string[] = [
  ...['ca', 'apiserver', 'apiserver-kubelet-client', 'apiserver-etcd-client', 'front-proxy-ca', 'front-proxy-client'],
  ...['etcd/ca', 'etcd/server', 'etcd/peer', 'etcd/healthcheck-client'],
]
  .flatMap((name) => [`${name}.crt`, `${name}.key`])
  .concat('sa.pub', 'sa.key')

export const pkiFiles = (folders: Certificates): string[] => pkiNames.map((name) => pkiPath(folders, name))

/** kube-vip's kubeconfig and manifest. */
export const kubeVipPaths: readonly string[] = [kubeVipConfPath, kubeVipManifestPath]

/** Every path on this node that a step of the conversion could change. User kubeconfigs and shared files come in addition. */
export async function touchablePaths(host: Host): Promise<readonly string[]> {
  const [folders, kubelet] = await Promise.all([readFolders(host), readKubelet(host)])
  return [
    ...new Set([...Object.values(kubeconfigPaths), kubelet.kubeconfig]),
    ...staticPodComponents.map((component) => manifestPath(folders, component)),
    ...pkiFiles(folders),
    hostsPath,
    ...loadBalancerPaths,
    ...kubeVipPaths,
    usualKubelet.config,
    kubeletFlagsPath,
  ]
}

export const backupsFolder = (stateFolder: string): string => `${stateFolder}/backups`

/** Folder of one run's backup. The run id is parsed and cannot lead elsewhere. */
export const backupFolder = (stateFolder: string, runId: string): string =>
  `${backupsFolder(stateFolder)}/${parseRunId(runId)}`

/** Keys made here for certificates that are signed elsewhere, one folder for each run. */
export const requestsFolder = (stateFolder: string): string => `${stateFolder}/requests`
export const requestsFolderOf = (stateFolder: string, runId: string): string =>
  `${requestsFolder(stateFolder)}/${parseRunId(runId)}`

/** kubeadm-config from before a run set the feature gate EtcdLearnerMode for its joins. */
export const learnerGatePath = (stateFolder: string): string => `${stateFolder}/learner-gate.json`

/** The etcd snapshot of a run, in the format of etcd's Snapshot call. */
export const etcdSnapshotPath = (stateFolder: string, runId: string): string =>
  `${backupFolder(stateFolder, runId)}/etcd-snapshot.db.age`

/** Where agents of earlier versions put it, in clear. */
export const clearSnapshotPath = (stateFolder: string, runId: string): string =>
  `${backupFolder(stateFolder, runId)}/etcd-snapshot.db`

/** A folder with files that may name an API server. */
export interface ScannedFolder {
  readonly folder: string
  /** Search depth in folders; 1: only its own files. */
  readonly depth: number
  readonly name: RegExp
}

const kubeadmManifests = new Set(staticPodComponents.map((component) => `${component}.yaml`))
const any = /./

/** Where a node's own programs get the address of an API server, besides kubeadm's manifests, which must name their node. */
export const scannedFolders = ({ manifests }: Manifests): readonly ScannedFolder[] => [
  { folder: kubernetesFolder, depth: 1, name: /\.(conf|kubeconfig|ya?ml|json)$/ },
  { folder: manifests, depth: 1, name: /\.(ya?ml|json)$/ },
  { folder: cniFolder, depth: 2, name: any },
  { folder: '/etc/systemd/system', depth: 2, name: any },
  { folder: '/etc/default', depth: 1, name: any },
  { folder: '/etc/sysconfig', depth: 1, name: any },
  { folder: kubeletFolder, depth: 1, name: /\.(env|ya?ml|conf)$/ },
  { folder: '/etc/prometheus', depth: 3, name: /\.(ya?ml|json)$/ },
]

/** Whether a file of a scanned folder is read. */
export const isScanned = (path: string, { folder, name }: ScannedFolder, { manifests }: Manifests): boolean => {
  const own = path.slice(path.lastIndexOf('/') + 1)
  return name.test(own) && !(folder === manifests && kubeadmManifests.has(own))
}
