import { redact } from './redact.js'

export type LogFields = Readonly<Record<string, unknown>>

/** One JSON line per event on stderr; a short event in the field's words, everything else as fields. */
export interface Log {
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

const secretField = /^(?:token|password|secret|private[_-]?key|key[_-]?pem|certificate[_-]?key|client[_-]?key.*)$/i

function presentable(key: string, value: unknown): unknown {
  if (value instanceof Error) {
    const { name, message, stack, cause } = value
    return { ...value, name, message, stack, ...(cause === undefined ? {} : { cause }) }
  }
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'string') return value
  return secretField.test(key) ? '[redacted]' : redact(value)
}

function line(entry: Record<string, unknown>): string {
  try {
    return JSON.stringify(entry, presentable)
  } catch {
    // A field that refers to itself: the event is worth more than its fields.
    const { time, level, name, event } = entry
    return JSON.stringify({ time, level, name, event, fields: 'not representable as JSON' }, presentable)
  }
}

/** A log named after the program; `write` is for tests. */
export function createLog(
  name: string,
  write: (line: string) => void = (text) => void process.stderr.write(text),
): Log {
  const at =
    (level: 'info' | 'warn' | 'error') =>
    (event: string, fields: LogFields = {}): void =>
      write(`${line({ time: new Date().toISOString(), level, name, event, ...fields })}\n`)
  return { info: at('info'), warn: at('warn'), error: at('error') }
}
