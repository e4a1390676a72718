import { QuorateError } from '@quorate/shared/errors'
import type { Terminal } from './terminal.js'

/** USAGE where a command would have to ask and nobody is there; `remedy` says what to add instead. */
export function requireSomebody({ canAsk }: Terminal, remedy: string): void {
  if (!canAsk) throw new QuorateError('USAGE', 'nobody can be asked here: this is not a terminal', { remedy })
}

/** Asks; NOT_APPROVED for any other answer than yes. `what` names what was not approved. */
export async function askFor(
  terminal: Terminal,
  question: string,
  refused: { readonly what: string; readonly where: string },
): Promise<void> {
  const answer = await terminal.ask(`${question} [y/n] `)
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new QuorateError('NOT_APPROVED', `${refused.what} was not approved`, { where: refused.where })
}
