import { kubeadmFolders } from '@quorate/shared/cluster-folders'
import type { NodeFolders } from '@quorate/shared/gen/quorate/v1/facts'
import type { Host } from '../../host/host.js'
import { readKubelet } from '../../host/kubelet-places.js'
import { readFolders } from '../../host/node-folders.js'

/** Where this node keeps what kubeadm makes; a refused folder is named, and nothing in it is read. */
export async function readFolderFacts(host: Host, signal: AbortSignal): Promise<NodeFolders> {
  const [{ problem, ...folders }, kubelet] = await Promise.all([believed(host), readKubelet(host, signal)])
  const { kubeconfig, setIn, certDir, config } = kubelet
  const paths = [...Object.values(folders), kubeadmFolders.certificatesDir]
  const ends = await Promise.all(paths.map(async (path) => [path, await host.linkEnd(path)] as const))
  return {
    ...folders,
    problem,
    kubeletKubeconfig: kubeconfig,
    kubeletKubeconfigSetIn: setIn,
    kubeletCertDir: certDir,
    kubeletConfig: config,
    links: Object.fromEntries(ends.filter(([path, end]) => path !== end)),
  }
}

const usual = { ...kubeadmFolders, manifests: '/etc/kubernetes/manifests' }

const believed = (host: Host) =>
  readFolders(host).then(
    (folders) => ({ ...folders, problem: '' }),
    (error: Error) => ({ ...usual, problem: error.message }),
  )
