import { asQuorateError } from '@quorate/shared/errors'
import type { UnreadFacts } from '@quorate/shared/gen/quorate/v1/facts'

/** Facts that could not be read, and why: an empty value must not look like an absent one. */
export function unreadFacts(what: string, error: unknown, { needed } = { needed: false }): UnreadFacts {
  const { message: problem, remedy, code } = asQuorateError(error)
  return { what, problem, remedy: code === 'INTERNAL' ? '' : remedy, needed }
}
