import { readFileSync, statSync } from 'node:fs'
import { keyMatches } from '@quorate/shared/pki'
import type { CoordinatorIdentity } from './state/fleet-ca.js'
import type { StatePaths } from './state/paths.js'

/**
 * The coordinator's identity as its files have it when it is asked for: another process may renew it (`quorate renew` beside `quorate serve`).
 * While files cannot be read, or do not belong together, it is the one before.
 */
export function freshIdentity(first: CoordinatorIdentity, paths: StatePaths): () => CoordinatorIdentity {
  let identity = first
  let seen = ''
  return () => {
    try {
      const stamp = stampOf(paths)
      if (stamp === seen) return identity
      const read = readNow(paths)
      if (read === undefined) return identity
      identity = read
      seen = stamp
    } catch {
      // What is wrong with them is reported by the next command that opens the state folder.
    }
    return identity
  }
}

/** Each file is replaced by a new one, so its inode tells as much as its time. */
const stampOf = ({ caCert, coordinatorCert, coordinatorKey }: StatePaths): string =>
  [caCert, coordinatorCert, coordinatorKey]
    .map((path) => statSync(path, { bigint: true }))
    .map(({ ino, mtimeNs }) => `${ino} ${mtimeNs}`)
    .join()

/** Undefined in the moment of a renewal in which the key is new and the certificate is not. */
function readNow({ caCert, coordinatorCert, coordinatorKey }: StatePaths): CoordinatorIdentity | undefined {
  const [ca, cert, key] = [caCert, coordinatorCert, coordinatorKey].map((path) => readFileSync(path, 'utf8'))
  if (ca === undefined || cert === undefined || key === undefined || !keyMatches(cert, key)) return undefined
  return { ca, cert, key }
}
