import { z } from 'zod'

/** Building blocks of the documents that Quorate prints and serves. */
export const object = z.object
export const list = <const T extends z.ZodType>(item: T) => z.array(item).readonly()
export const text = z.string()
export const flag = z.boolean()
export const count = z.int().nonnegative()
export const milliseconds = z.number()
export const textByName = z.record(z.string(), z.string()).readonly()
export const countByName = z.record(z.string(), count).readonly()

/** Unix milliseconds in the program, RFC 3339 in UTC in a document. */
export const time = z
  .codec(z.iso.datetime(), z.number(), {
    decode: (written) => Date.parse(written),
    encode: (unixMs) => new Date(unixMs).toISOString(),
  })
  .describe('RFC 3339, UTC.')

export const runError = object({ code: text, message: text, where: text, remedy: text })

export const evidence = object({ what: text, saw: text, at: time.optional() }).describe(
  'What was checked, what was observed, and when.',
)

export const actionState = z.enum([
  'planned',
  'running',
  'pending',
  'verified',
  'failed',
  'undoing',
  'undone',
  'undo-failed',
])

export const stepState = z.enum(['waiting', 'running', 'skipped', 'done', 'failed', 'undone'])

/** Of a person's certificate or a token of REST. */
export const role = z.enum(['observer', 'operator', 'approver', 'enroller', 'auditor'])

export const severity = z.enum(['error', 'warning', 'info'])

export const outcome = z.enum(['running', 'done', 'failed', 'interrupted', 'abandoned', 'rolled-back', 'damaged'])
