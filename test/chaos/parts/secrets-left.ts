import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'

/** Where a private key belongs: the cluster's and the fleet's own. */
const keepsKeys = /\/(etc\/kubernetes|var\/lib\/kubelet\/pki|etc\/quorate|state\/fleet|bundles\/[^/]+|root\/\.kube)\//
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/

/**
 * Files that hold a secret of a conversion, a line each: one of `secrets` (bootstrap tokens', certificate keys) anywhere on
 * the disks of nodes and coordinator, their logs among them; a private key outside of where private keys belong.
 */
export function secretsLeft(cluster: SimulatedCluster, secrets: readonly string[]): string[] {
  const found: string[] = []
  for (const path of filesBelow(cluster.operatorFolder)) {
    const text = readFileSync(path, 'latin1')
    const secret = secrets.find((one) => text.includes(one) || text.includes(Buffer.from(one).toString('base64')))
    if (secret !== undefined)
      found.push(`${path} holds the ${secret.length === 16 ? 'token' : 'certificate key'} ${secret}`)
    if (privateKey.test(text) && !keepsKeys.test(path)) found.push(`${path} holds a private key`)
  }
  return found
}

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.name === 'spool') continue // how the laboratory's programs print
    if (entry.isDirectory()) yield* filesBelow(path)
    else if (entry.isFile()) yield path
  }
}
