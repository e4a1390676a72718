import { asQuorateError } from '@quorate/shared/errors'
import { createLog } from '@quorate/shared/log'
import { pause } from '@quorate/shared/pause'
import { isDue, validityOf } from '../state/validity.js'
import type { Session } from './context/session.js'
import { type Renewed, renewIdentities } from './renew.js'

export interface KeepIdentitiesOptions {
  readonly everyMs: number
  readonly signal: AbortSignal
}

/** Whether a third of the life of a certificate in PEM is left, or less. */
export const isCertificateDue = (certificate: string, now: number): boolean => isDue(validityOf(certificate), now)

const log = createLog('quorate-renewals')

/**
 * Renews identities of the fleet when a third of their life is left, the coordinator's own too, as long as a server runs. What cannot be renewed
 * is logged once and tried again each time. Ends with the signal; never rejects.
 */
export async function keepIdentities(session: Session, { everyMs, signal }: KeepIdentitiesOptions): Promise<void> {
  if (session.renewals === undefined) return
  const told = new Map<string, string>()
  while (!signal.aborted) {
    const renewed = await renewIdentities(session, { names: [], early: false }).catch((error: unknown) => {
      const { code, message } = asQuorateError(error)
      log.warn('identities cannot be renewed', { code, message })
      return []
    })
    for (const one of renewed) {
      const outcome = one.problem?.code ?? one.state
      // A node that is away for weeks fails in the same way each time.
      if (outcome !== 'valid' && (outcome === 'renewed' || told.get(one.whose) !== outcome)) await record(session, one)
      told.set(one.whose, outcome)
    }
    await pause(everyMs, signal)
  }
}

async function record({ history }: Session, { whose, state, until, problem }: Renewed): Promise<void> {
  const outcome = problem?.code ?? state
  if (problem === undefined) log.info('renewed', { whose, until: new Date(until).toISOString() })
  else log.warn('not renewed', { whose, until: new Date(until).toISOString(), ...problem })
  const entry = { what: `renew ${whose}`, who: 'quorate serve', outcome }
  await history?.append(entry).catch((error: unknown) => log.error('a renewal is not recorded', { error }))
}
