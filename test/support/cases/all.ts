import type { PublicCase } from './case.js'
import { hostPaths } from './host-paths.js'
import { messages } from './messages.js'
import { yearsOldNodes } from './years-old-nodes.js'

/** Every public case, one shelf a subject. */
export const publicCases: readonly PublicCase[] = [...hostPaths, ...messages, ...yearsOldNodes]
