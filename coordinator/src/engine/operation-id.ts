import { createHash } from 'node:crypto'
import { type OperationId, parseOperationId } from '@quorate/shared/names'

/** What identifies an operation: the same six values give the same id after any crash. */
export interface OperationKey {
  readonly run: string
  readonly step: string
  readonly action: string
  readonly node: string
  readonly label: string
  /** From 1; another attempt is another operation: only after the outcome of those before is known. */
  readonly attempt: number
}

/** 32 hexadecimal digits: short enough for a systemd unit's name, long enough never to collide. */
export function operationIdOf({ run, step, action, node, label, attempt }: OperationKey): OperationId {
  // As a JSON array no two keys can collide, as they could when joined by a character that a name may contain.
  const text = JSON.stringify([run, step, action, node, label, attempt])
  return parseOperationId(createHash('sha256').update(text).digest('hex').slice(0, 32))
}
