import { needsOwnEtcd } from '../../host/etcd-place.js'
import type { Host } from '../../host/host.js'
import { readFolders } from '../../host/node-folders.js'
import type { Evidence, LookContext } from '../context/operation.js'
import { kubeconfigPaths, manifestPath } from '../context/paths.js'
import type { Tools } from '../context/tools.js'
import { readNodeName } from './control-plane.js'
import { readJoinMarker } from './join-marker.js'

const yesNo = (holds: boolean): 'yes' | 'no' => (holds ? 'yes' : 'no')

const present = async (host: Host, path: string): Promise<boolean> => (await host.read(path)) !== undefined

/**
 * How far a join of this node got. `done` is yes only if this agent saw kubeadm's end; with every file present and no end seen it is
 * unknown, because kubeadm may have died before it labelled the Node. Another control plane knows more about etcd's members.
 */
export async function joinEvidence({ tools, header, signal }: LookContext): Promise<Evidence> {
  const { host } = tools
  const folders = await readFolders(host)
  const [kubelet, admin, etcdManifest, apiserverManifest] = await Promise.all(
    [
      ...[kubeconfigPaths.kubelet, kubeconfigPaths.admin],
      ...[manifestPath(folders, 'etcd'), manifestPath(folders, 'kube-apiserver')],
    ].map((path) => present(host, path)),
  )
  const marker = await readJoinMarker(tools)
  const ours = marker?.runId === header.runId
  const ended = ours && marker?.joinedAtUnixMs !== undefined
  const etcd = etcdManifest === true || !(await needsOwnEtcd(host))
  const all = [kubelet, admin, etcd, apiserverManifest].every(Boolean)
  const own = etcdManifest === true ? await ownEtcd(tools, signal) : { answers: false, learner: false }
  return {
    kubelet_conf: yesNo(kubelet === true),
    admin_conf: yesNo(admin === true),
    etcd_manifest: yesNo(etcdManifest === true),
    apiserver_manifest: yesNo(apiserverManifest === true),
    local_etcd: yesNo(own.answers),
    etcd_learner: yesNo(own.learner),
    joined_by: marker?.runId ?? '',
    joined_by_this_run: yesNo(ours),
    joined_at: ended ? String(marker?.joinedAtUnixMs) : '',
    node_name: kubelet === true ? await readNodeName(host).catch(() => '') : '',
    done: ended ? 'yes' : all ? 'unknown' : 'no',
  }
}

async function ownEtcd(tools: Tools, signal: AbortSignal): Promise<{ answers: boolean; learner: boolean }> {
  const silent = { answers: false, learner: false }
  const etcd = await tools.etcd().catch(() => undefined)
  if (etcd === undefined) return silent
  try {
    return { answers: true, learner: (await etcd.ownStatus(signal)).learner }
  } catch {
    return silent
  } finally {
    etcd.close()
  }
}
