import { createHmac, randomBytes } from 'node:crypto'
import { type Mask, maskBy } from '@quorate/shared/mask'
import type { Host } from '../../host/host.js'
import type { NodeFolders } from '../../host/node-folders.js'
import { pkiPath } from '../context/paths.js'

/** Without a key of its cluster, a node's masks are comparable only within this process. */
const ofThisProcess = randomBytes(32)

/** Keys that all control planes of a cluster share and that never leave them; their holder controls the cluster anyway. */
const sharedKeys = ['sa.key', 'ca.key']

/** The mask of a secret: equal for the same secret on the cluster's other control planes. */
export async function readMask(host: Host, folders: NodeFolders): Promise<Mask> {
  for (const name of sharedKeys) {
    const file = await host.read(pkiPath(folders, name), { followLinks: true }).catch(() => undefined)
    if (file !== undefined && file.bytes.length > 0)
      return maskBy(createHmac('sha256', file.bytes).update('quorate: secrets of static pods').digest())
  }
  return maskBy(ofThisProcess)
}
