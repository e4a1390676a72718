import type { PublicCase } from './case.js'

/** Every public case, one shelf a subject. */
export const publicCases: readonly PublicCase[] = []
