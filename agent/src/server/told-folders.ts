import type { ClusterFolders } from '@quorate/shared/gen/quorate/v1/operation'
import { toldOf } from '../host/node-folders.js'
import type { Tools } from '../ops/context/tools.js'

/** A request that names the folders of the cluster that a node in no cluster yet will join. */
interface Telling {
  readonly folders?: ClusterFolders | undefined
  readonly header?: { readonly folders?: ClusterFolders | undefined } | undefined
}

/** The tools of one call: unchanged for a node that finds its folders itself. */
export function toldTools(tools: Tools, request: unknown): Tools {
  const { folders, header } = request as Telling
  const told = folders ?? header?.folders
  return told === undefined ? tools : { ...tools, host: toldOf(tools.host, told) }
}
