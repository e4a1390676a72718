import { type DenyLists, denyListsOf } from './deny-lists.js'
import { coordinatorName } from './identities.js'
import { type IssuedKey, issuedKeys, keyIn } from './issued-keys.js'
import type { StatePaths } from './paths.js'

/** What a state folder knows of keys: which it issued, which were revoked. */
export interface Revocations extends DenyLists {
  /** Every key that was issued, the coordinator's own of today among them. */
  issued(): Promise<readonly IssuedKey[]>
  /** SHA-256 of the key that this state folder itself uses. */
  ownKey(): string
  /** Certificate of the fleet CA, PEM. */
  ca(): string
}

export function revocationsOf(
  paths: StatePaths,
  identity: () => { readonly ca: string; readonly cert: string },
): Revocations {
  const own = () => keyIn(coordinatorName, identity().cert)
  return {
    ...denyListsOf(paths, () => identity().ca),
    async issued() {
      const recorded = await issuedKeys(paths)
      const first = recorded.find(({ sha256 }) => sha256 === own().sha256)
      // A state folder of an earlier version has no record of it.
      return first === undefined ? [{ ...own(), issuedAt: 0 }, ...recorded] : recorded
    },
    ownKey: () => own().sha256,
    ca: () => identity().ca,
  }
}
