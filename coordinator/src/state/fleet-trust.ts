import { fleetOf, openDenyList } from '@quorate/shared/deny-list'
import { isOfFleet } from '@quorate/shared/fleet-chain'
import type { DenyLists } from './deny-lists.js'
import { type CoordinatorIdentity, readIdentity } from './fleet-ca.js'
import type { StatePaths } from './paths.js'
import { renewalsOf } from './renewals.js'
import {
  beginRotation,
  forgetRotation,
  issueBelow,
  type Rotation,
  type RotationKeys,
  readRotation,
  type Side,
  trustHere,
} from './rotation.js'

/** The roots of a fleet, and how one takes over from another. */
export interface FleetTrust {
  /** The name that both roots carry. */
  readonly fleet: string
  /** Undefined where none is under way. */
  rotation(): Promise<Rotation | undefined>
  /** See `beginRotation`. */
  begin(keys: RotationKeys): Promise<Rotation>
  /** What this state folder shows and trusts now. */
  own(): Promise<CoordinatorIdentity>
  /** This state folder trusts the roots of a bundle from now on. */
  trust(bundle: Rotation['both']): Promise<void>
  /** Issuer, own identity and the list of revoked keys are of that root from now on. Done twice it is as done once. */
  issueBelow(rotation: Rotation, side: Side): Promise<void>
  /** Ends a rotation here. */
  forget(): Promise<void>
}

function isSignedBelow(document: string, root: string): boolean {
  try {
    openDenyList(document, root)
    return true
  } catch {
    return false
  }
}

export function fleetTrustOf(
  paths: StatePaths,
  { denyLists, fleetCa }: { readonly denyLists: DenyLists; readonly fleetCa: string },
): FleetTrust {
  const own = () => readIdentity(paths)
  const isOf = (chain: string, root: string) => isOfFleet(chain, root, Date.now())
  return {
    fleet: fleetOf(fleetCa),
    rotation: () => readRotation(paths),
    begin: (keys) => beginRotation(paths, keys),
    own,
    trust: (bundle) => trustHere(paths, bundle),
    async issueBelow(rotation, side) {
      const { root } = rotation[side]
      await issueBelow(paths, rotation[side])
      if (!isOf((await own()).cert, root)) await renewalsOf(paths).renewOwn('now')
      const list = await denyLists.newest()
      // Once the other root is given up, its issuer's signature proves nothing.
      if (list !== undefined && !isSignedBelow(list.document, root)) await denyLists.deny([])
    },
    forget: () => forgetRotation(paths),
  }
}
