import { QuorateError } from '@quorate/shared/errors'
import { kubeVipConfPath, kubeVipManifestPath } from '@quorate/shared/kube-vip-manifest'
import { parseRunId } from '@quorate/shared/names'

/** THE table of what the agent may touch on its node. A path that is not here, or made here, is never written. */

export const kubernetesFolder = '/etc/kubernetes'
export const manifestsFolder = '/etc/kubernetes/manifests'
export const pkiFolder = '/etc/kubernetes/pki'
/**
 * Where kubeadm's patches of manifests are looked for. kubeadm keeps no record of `patches.directory`; this is the folder that its users
 * and the tools around it agree on (docs/decisions/0011-patches.md).
 */
export const patchesFolder = '/etc/kubernetes/patches'
export const etcdDataFolder = '/var/lib/etcd'
export const cniFolder = '/etc/cni/net.d'
export const kubeletFolder = '/var/lib/kubelet'
export const kubeletPkiFolder = '/var/lib/kubelet/pki'
export const kubeletConfigPath = '/var/lib/kubelet/config.yaml'
const kubeletFlagsPath = '/var/lib/kubelet/kubeadm-flags.env'
export const hostsPath = '/etc/hosts'
/** Read only. */
export const containerdConfigPath = '/etc/containerd/config.toml'
export const haproxyConfigPath = '/etc/haproxy/haproxy.cfg'
export const keepalivedConfigPath = '/etc/keepalived/keepalived.conf'

/** tmpfs of the agent, 0700: staged files and the join secret live here and nowhere else. */
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

/** Where people keep the copy of admin.conf that kubeadm tells them to make. */
const userKubeconfig = /^\/(root|home\/[A-Za-z0-9._-]+)\/\.kube\/config$/

export const isUserKubeconfigPath = (path: string): boolean => userKubeconfig.test(path) && !path.includes('/../')

const isFixedPurpose = (purpose: string): purpose is keyof typeof kubeconfigPaths =>
  Object.hasOwn(kubeconfigPaths, purpose)

/** The path of a kubeconfig by purpose (and path, for purpose `user`); NOT_IN_TABLE for anything else. */
export function kubeconfigPath(purpose: string, path: string): string {
  if (isFixedPurpose(purpose)) return kubeconfigPaths[purpose]
  if (purpose === 'user' && isUserKubeconfigPath(path)) return path
  const named =
    purpose === 'user' ? `the user kubeconfig ${JSON.stringify(path)}` : `the purpose ${JSON.stringify(purpose)}`
  throw new QuorateError('NOT_IN_TABLE', `${named} is not in the agent's table of kubeconfigs`)
}

export const staticPodComponents = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'] as const
type StaticPodComponent = (typeof staticPodComponents)[number]

export const manifestPath = (component: StaticPodComponent): string => `${manifestsFolder}/${component}.yaml`

export const apiserverCertificatePath = `${pkiFolder}/apiserver.crt`
export const apiserverKeyPath = `${pkiFolder}/apiserver.key`
export const caCertificatePath = `${pkiFolder}/ca.crt`
export const caKeyPath = `${pkiFolder}/ca.key`

/** kubeadm's certificates and keys, relative to its pki folder (kubeadm cmd/phases/certs: the certificate tree, and sa). */
export const pkiFiles: readonly string[] = [
  ...['ca', 'apiserver', 'apiserver-kubelet-client', 'apiserver-etcd-client', 'front-proxy-ca', 'front-proxy-client'],
  ...['etcd/ca', 'etcd/server', 'etcd/peer', 'etcd/healthcheck-client'],
]
  .flatMap((name) => [`${name}.crt`, `${name}.key`])
  .concat('sa.pub', 'sa.key')
  .map((name) => `${pkiFolder}/${name}`)

/** kube-vip's kubeconfig and manifest. */
export const kubeVipPaths: readonly string[] = [kubeVipConfPath, kubeVipManifestPath]

/** Every fixed path that a step of the conversion could change. User kubeconfigs and shared files come beside these. */
export const touchablePaths: readonly string[] = [
  ...Object.values(kubeconfigPaths),
  ...staticPodComponents.map(manifestPath),
  ...pkiFiles,
  hostsPath,
  haproxyConfigPath,
  keepalivedConfigPath,
  ...kubeVipPaths,
  kubeletConfigPath,
  kubeletFlagsPath,
]

/** Folder of one run's backup. The run id is parsed, so that it cannot lead elsewhere. */
export const backupFolder = (stateFolder: string, runId: string): string =>
  `${stateFolder}/backups/${parseRunId(runId)}`

/** Keys that were made here for certificates that are signed elsewhere, a folder for each run. */
export const requestsFolder = (stateFolder: string): string => `${stateFolder}/requests`
export const requestsFolderOf = (stateFolder: string, runId: string): string =>
  `${requestsFolder(stateFolder)}/${parseRunId(runId)}`

/** What kubeadm-config was before a run set the feature gate EtcdLearnerMode for its joins. */
export const learnerGatePath = (stateFolder: string): string => `${stateFolder}/learner-gate.json`

/** The etcd snapshot of a run, as etcd's Snapshot call sent it. */
export const etcdSnapshotPath = (stateFolder: string, runId: string): string =>
  `${backupFolder(stateFolder, runId)}/etcd-snapshot.db`

/** A folder with files that may name an API server. */
export interface ScannedFolder {
  readonly folder: string
  /** How many folders deep; 1: its own files only. */
  readonly depth: number
  readonly name: RegExp
}

const kubeadmManifests = new Set(staticPodComponents.map((component) => `${component}.yaml`))
const any = /./

/** Where a node's own programs are told of an API server, beside the manifests that kubeadm writes, which must name their node. */
export const scannedFolders: readonly ScannedFolder[] = [
  { folder: kubernetesFolder, depth: 1, name: /\.(conf|kubeconfig|ya?ml|json)$/ },
  { folder: manifestsFolder, depth: 1, name: /\.(ya?ml|json)$/ },
  { folder: cniFolder, depth: 2, name: any },
  { folder: '/etc/systemd/system', depth: 2, name: any },
  { folder: '/etc/default', depth: 1, name: any },
  { folder: '/etc/sysconfig', depth: 1, name: any },
  { folder: kubeletFolder, depth: 1, name: /\.(env|ya?ml|conf)$/ },
  { folder: '/etc/prometheus', depth: 3, name: /\.(ya?ml|json)$/ },
]

/** Whether a file of a scanned folder is looked into. */
export const isScanned = (path: string, { folder, name }: ScannedFolder): boolean => {
  const own = path.slice(path.lastIndexOf('/') + 1)
  return name.test(own) && !(folder === manifestsFolder && kubeadmManifests.has(own))
}
