import type { ClusterConfigurationView } from '@quorate/shared/cluster-config-map'
import { type ClusterFolders, folderProblem, kubeadmFolders } from '@quorate/shared/cluster-folders'
import { type NodeFacts, NodeFolders } from '@quorate/shared/gen/quorate/v1/facts'
import { usualKubelet } from '@quorate/shared/kubelet-command'
import type { Agent } from '../../fleet/agent.js'
import type { ConversionRun } from '../context/run.js'
import { clusterConfiguration } from './cluster-configuration.js'

/** Where kubeadm writes static pods, whatever a kubelet reads (app/constants, ManifestsSubDirName). */
export const usualManifests = '/etc/kubernetes/manifests'

const usual = NodeFolders.fromPartial({
  ...kubeadmFolders,
  manifests: usualManifests,
  kubeletKubeconfig: usualKubelet.kubeconfig,
  kubeletCertDir: usualKubelet.certDir,
  kubeletConfig: usualKubelet.config,
})

/** Where a node keeps what kubeadm makes; kubeadm's own folders where it does not say. */
export const foldersOf = ({ folders }: Pick<NodeFacts, 'folders'>): NodeFolders => folders ?? usual

/** The file that the kubelet's `--config` names. */
export const kubeletConfigPath = (facts: Pick<NodeFacts, 'folders'>): string =>
  foldersOf(facts).kubeletConfig || usualKubelet.config

/** A file below the folder of certificates: `ca.crt`. */
export const pkiPath = (facts: Pick<NodeFacts, 'folders'>, file: string): string =>
  `${foldersOf(facts).certificatesDir}/${file}`

/** What kubeadm will keep where on a joiner: its ClusterConfiguration says. Undefined where that cannot be read, or kubeadm's own are meant. */
async function foldersToTell(run: ConversionRun): Promise<ClusterFolders | undefined> {
  const configuration = await clusterConfiguration(run)
  if (configuration === undefined) return undefined
  const { certificatesDir, etcd } = configuration
  const told = { certificatesDir, etcdDataDir: etcd.kind === 'local' ? etcd.dataDir : kubeadmFolders.etcdDataDir }
  const isUsual = Object.entries(kubeadmFolders).every(([name, path]) => told[name as keyof ClusterFolders] === path)
  // What cannot be a cluster's own is a finding, and nothing that an agent would take.
  return isUsual || Object.values(told).some((path) => folderProblem(path) !== undefined) ? undefined : told
}

/** Asked once; while there is no answer nothing is reported, and it is not asked again for a while. */
export function foldersToldBy(run: () => ConversionRun): () => Promise<ClusterFolders | undefined> {
  let asked: { readonly at: number; readonly answer: Promise<ClusterFolders | undefined>; failed: boolean } | undefined
  return () => {
    if (asked !== undefined && !(asked.failed && performance.now() - asked.at > againMs)) return asked.answer
    const answer = foldersToTell(run()).catch(() => {
      if (asked !== undefined) asked.failed = true
      return undefined
    })
    asked = { at: performance.now(), answer, failed: false }
    return answer
  }
}
const againMs = 10_000

/** The agent of a joiner: each question about folders and each change names the folders that the cluster uses. */
export function toldAgent(agent: Agent, folders: () => Promise<ClusterFolders | undefined>): Agent {
  const withFolders = async <T>(message: T): Promise<T> => {
    const told = await folders()
    return told === undefined ? message : { ...message, folders: told }
  }
  return {
    node: agent.node,
    read: async (method, request, options) =>
      agent.read(
        method,
        method === 'getNodeFacts' || method === 'measureDisk' ? await withFolders(request) : request,
        options,
      ),
    change: (method, request, call, label) =>
      agent.change(
        method,
        request,
        {
          progress: (message) => call.progress(message),
          signal: call.signal,
          operation: (sending, send) => call.operation(sending, async (header) => send(await withFolders(header))),
        },
        label,
      ),
    checkJoin: (request, onProgress, options) => agent.checkJoin(request, onProgress, options),
    holdPorts: (ports, work, options) => agent.holdPorts(ports, work, options),
    watchAvailability: (request, options) => agent.watchAvailability(request, options),
    readBackup: (...asked) => agent.readBackup(...asked),
  }
}

/** A file of a static pod on that node: `/etc/kubernetes/manifests/etcd.yaml`. */
export const manifestOf = (facts: Pick<NodeFacts, 'folders'>, component: string): string =>
  `${foldersOf(facts).manifests}/${component}.yaml`

/** A folder that kubeadm-config names otherwise than what runs has it. */
export interface MovedFolder {
  /** `certificatesDir`. */
  readonly field: string
  readonly said: string
  readonly used: string
}

/** Where kubeadm would look in another folder than a control plane has; links of the node followed. */
export function movedFolders(configuration: ClusterConfigurationView, facts: NodeFacts): readonly MovedFolder[] {
  const { certificatesDir, etcdDataDir, problem } = foldersOf(facts)
  if (problem !== '' || facts.staticPods.length === 0) return []
  const { etcd } = configuration
  const stacked = etcd.kind === 'local' && facts.staticPods.some(({ component }) => component === 'etcd')
  const told = [
    { field: 'certificatesDir', said: configuration.certificatesDir, used: certificatesDir },
    ...(stacked ? [{ field: 'etcd.local.dataDir', said: etcd.dataDir, used: etcdDataDir }] : []),
  ]
  return told.filter(({ said, used }) => endOf(facts, said) !== endOf(facts, used))
}

/** A path with the links of a node followed, as far as its facts tell them. */
export function endOf(facts: Pick<NodeFacts, 'folders'>, path: string): string {
  const link = Object.entries(foldersOf(facts).links).find(([from]) => path === from || path.startsWith(`${from}/`))
  return link === undefined ? path : link[1] + path.slice(link[0].length)
}
