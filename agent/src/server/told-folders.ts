import type { ClusterFolders } from '@quorate/shared/gen/quorate/v1/operation'
import { toldOf } from '../host/node-folders.js'
import type { Tools } from '../ops/tools.js'

/** A request that says where the cluster of a node that is in none yet will keep what kubeadm makes. */
interface Telling {
  readonly folders?: ClusterFolders | undefined
  readonly header?: { readonly folders?: ClusterFolders | undefined } | undefined
}

/** The tools of one call: of a node that finds its folders itself nothing is different. */
export function toldTools(tools: Tools, request: unknown): Tools {
  const { folders, header } = request as Telling
  const told = folders ?? header?.folders
  return told === undefined ? tools : { ...tools, host: toldOf(tools.host, told) }
}
