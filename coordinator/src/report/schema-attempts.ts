import { z } from 'zod'
import { count, list, milliseconds, object, runError, text, time } from '../documents/words.js'

/** The work of one process on a run. */
export const attempt = object({
  begun: z.enum(['started', 'resumed', 'rollback']),
  outcome: z
    .enum(['running', 'done', 'failed', 'interrupted', 'abandoned'])
    .describe('`abandoned`: its process recorded no end; the attempt ends with its last event.'),
  startedAt: time,
  endedAt: time,
  durationMs: milliseconds,
  error: runError.optional(),
  failures: list(
    object({
      at: time,
      step: text,
      node: text,
      undo: z.boolean().describe('The undo failed.'),
      error: runError,
    }),
  ).describe('Actions that failed in this attempt, even if they succeeded later.'),
})

/** The work of one attempt on a step. */
export const work = object({
  attempt: count.describe('Number of the attempt, from 1.'),
  from: time,
  to: time,
  state: z
    .enum(['running', 'done', 'failed', 'undone', 'interrupted'])
    .describe('`interrupted`: the attempt ended before the step did.'),
})
