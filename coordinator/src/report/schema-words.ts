import { z } from 'zod'

/** Building blocks of the report's schema. */
export const object = z.strictObject
export const list = <const T extends z.ZodType>(item: T) => z.array(item).readonly()
export const text = z.string()
export const count = z.int().nonnegative()
export const time = z.int().describe('Unix time in milliseconds.')
export const milliseconds = z.number()
export const runError = object({ code: text, message: text, where: text, remedy: text })
