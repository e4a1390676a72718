import type { Evidence } from './operation.js'

/**
 * Of what was sealed to an agent process that is gone: nobody can open it again, so nobody can compare. Sealed anew and asked for under
 * a new id it is harmless: what is there already, with the same bytes, is left alone.
 */
export const sealedToAnotherProcess = async (): Promise<Evidence> => ({ done: 'unknown', repeatable: 'yes' })
