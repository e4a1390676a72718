import { z } from 'zod'
import { document } from './document.js'
import { count, flag, list, object, text } from './words.js'

export const history = document('history', 'What was done with a state folder: `quorate audit list`.', {
  entries: list(
    object({
      at: z.iso.datetime().describe('RFC 3339, UTC.'),
      what: text.describe('`quorate COMMAND`, a request to REST, or `journal`: how far the journal of a run goes.'),
      who: text,
      from: text.optional(),
      fingerprint: text.optional().describe("SHA-256 of the caller's certificate."),
      outcome: text,
      run: text.optional(),
      seq: count.optional().describe('Number of the last record of that journal.'),
      hash: text.optional().describe('Its hash, hexadecimal.'),
      bytes: count.optional(),
    }),
  ),
})

export const calls = document('calls', "The newest calls that a node's agent recorded: `quorate audit list --node`.", {
  node: text,
  calls: list(
    object({
      at: z.iso.datetime().describe("RFC 3339, UTC, by that node's clock."),
      method: text,
      caller: text.describe("Name in the caller's certificate."),
      fingerprint: text.describe('SHA-256 of that certificate.'),
      from: text,
      run: text.optional(),
      operation: text.optional(),
      outcome: text.describe('`began`, `ended` or the code of an error.'),
    }),
  ),
})

export const historyVerification = document(
  'history-verification',
  'Whether the history is what was written and shown: `quorate audit verify`.',
  {
    size: count.describe('Entries.'),
    root: text.describe('Root of the Merkle tree (RFC 6962) over them, hexadecimal.'),
    signed: count.describe('Entries that the newest checkpoint commits to.'),
    verifier: text.describe('NAME+HASH+KEY, as golang.org/x/mod/sumdb/note takes it.'),
    checkpoint: text.describe('The newest checkpoint (C2SP tlog-checkpoint); empty before the first.'),
    journals: count.describe('Journals that were compared.'),
    sound: flag,
    problems: list(text),
    agents: list(
      object({
        node: text,
        says: z.enum(['agrees', 'contradicts', 'none', 'silent']),
        size: count.optional(),
        why: text.optional(),
      }),
    ).describe('Empty without --against-agents.'),
  },
)
