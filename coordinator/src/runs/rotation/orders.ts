import type { RotationStep } from './context.js'
import { makeRoot } from './make-root.js'
import { renewNodes } from './renew-nodes.js'
import { retireHere, retireOnNodes } from './retire-root.js'
import { trustBoth } from './trust-both.js'
import { useNextIssuer } from './use-next-issuer.js'

/** One root takes over from another. After each step every identity holds, that of before and that of after: all of it can be undone. */
export const rotationOrder: readonly RotationStep[] = [makeRoot, trustBoth, useNextIssuer, renewNodes]

/** The root of before is given up: it cannot be undone. */
export const retirementOrder: readonly RotationStep[] = [retireOnNodes, retireHere]
