import { createHash } from 'node:crypto'
import { type OperationId, parseOperationId } from '@quorate/shared/names'

/** What makes an operation the one it is: the same six give the same id after any crash. */
export interface OperationKey {
  readonly run: string
  readonly step: string
  readonly action: string
  readonly node: string
  readonly label: string
  /** From 1; another one is another operation: only after it is known what became of those before. */
  readonly attempt: number
}

/** 32 hexadecimal digits: short enough for a systemd unit's name, long enough never to meet another. */
export function operationIdOf({ run, step, action, node, label, attempt }: OperationKey): OperationId {
  // As a JSON array no two keys can run into each other, as they could when joined by a character that a name may hold.
  const text = JSON.stringify([run, step, action, node, label, attempt])
  return parseOperationId(createHash('sha256').update(text).digest('hex').slice(0, 32))
}
