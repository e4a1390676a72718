import { QuorateError } from '@quorate/shared/errors'
import type { Terminal } from './terminal.js'

/** USAGE when a command has to ask and standard input is no terminal; `remedy` names the option that replaces the answer. */
export function requireSomebody({ canAsk }: Terminal, remedy: string): void {
  if (!canAsk) throw new QuorateError('USAGE', 'cannot prompt: standard input is not a terminal', { remedy })
}

/** Asks; NOT_APPROVED for any answer but yes. `what` names what was not approved. */
export async function askFor(
  terminal: Terminal,
  question: string,
  refused: { readonly what: string; readonly where: string },
): Promise<void> {
  const answer = await terminal.ask(`${question} [y/n] `)
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new QuorateError('NOT_APPROVED', `${refused.what} was not approved`, { where: refused.where })
}
