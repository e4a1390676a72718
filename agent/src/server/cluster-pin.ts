import { readCertificate } from '@quorate/shared/pki'
import type { Host } from '../host/host.js'
import { clusterCa } from '../ops/network/cluster-ca.js'

/** Pin of the CA of the cluster that this node is in, as the agent reads it itself; undefined on a node in none, or whose CA cannot be read. */
export async function clusterPin(host: Host): Promise<string | undefined> {
  try {
    const pem = await clusterCa(host)
    return pem === undefined ? undefined : readCertificate(pem).publicKeyPin
  } catch {
    return undefined
  }
}
