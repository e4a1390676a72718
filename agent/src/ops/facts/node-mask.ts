import { createHmac, randomBytes } from 'node:crypto'
import { type Mask, maskBy } from '@quorate/shared/mask'
import type { Host } from '../../host/host.js'
import type { NodeFolders } from '../../host/node-folders.js'
import { pkiPath } from '../paths.js'

/** Where this node has no key of its cluster, masks are compared within this process alone. */
const ofThisProcess = randomBytes(32)

/** Keys that all control planes of a cluster share and that never leave them; whoever has one is master of the cluster anyway. */
const sharedKeys = ['sa.key', 'ca.key']

/** What stands for a secret on this node, and for the same secret on its cluster's other control planes. */
export async function readMask(host: Host, folders: NodeFolders): Promise<Mask> {
  for (const name of sharedKeys) {
    const file = await host.read(pkiPath(folders, name), { followLinks: true }).catch(() => undefined)
    if (file !== undefined && file.bytes.length > 0)
      return maskBy(createHmac('sha256', file.bytes).update('quorate: secrets of static pods').digest())
  }
  return maskBy(ofThisProcess)
}
