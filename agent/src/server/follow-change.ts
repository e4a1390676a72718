import { QuorateError } from '@quorate/shared/errors'
import type { OperationEvent } from '@quorate/shared/gen/quorate/v1/operation'
import type { ChangeOperation } from '../ops/context/operation.js'
import type { ChangeRequest, ChangeRunner, Following } from './change-runner.js'
import { errorFrom } from './status.js'

export interface AskedChange {
  readonly name: string
  readonly operation: ChangeOperation<ChangeRequest>
  readonly encode: (request: ChangeRequest) => Uint8Array
  readonly request: unknown
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal
  /** Throws where its caller was revoked meanwhile. */
  readonly requireStill: () => void
}

interface Message {
  readonly event: OperationEvent
}

/** The messages of a change while its caller listens: progress, then the result or the error. */
export async function* followChange(asked: AskedChange, changes: ChangeRunner): AsyncIterable<Message> {
  const request = asked.request as ChangeRequest
  if (request.header === undefined) throw new QuorateError('INVALID_REQUEST', `${asked.name} came without a header`)
  const { name: method, operation, encode, requireStill } = asked
  const following = await changes.start({ method, header: request.header, request, operation, encode, requireStill })
  for await (const message of progressUntilEnd(following, asked.signal)) {
    yield { event: { event: { $case: 'progress', progress: { message } } } }
  }
  if (asked.signal.aborted) return
  const outcome = await following.outcome
  if (outcome.kind === 'error') throw errorFrom(outcome.error)
  yield { event: { event: { $case: 'result', result: outcome.result } } }
}

async function* progressUntilEnd(following: Following, signal: AbortSignal): AsyncIterable<string> {
  const lines: string[] = []
  let wake = (): void => {}
  let over = false
  const end = (): void => {
    over = true
    wake()
  }
  const leave = following.onProgress((line) => {
    lines.push(line)
    wake()
  })
  signal.addEventListener('abort', end, { once: true })
  void following.outcome.then(end)
  try {
    for (;;) {
      for (let line = lines.shift(); line !== undefined; line = lines.shift()) yield line
      if (over || signal.aborted) return
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  } finally {
    leave()
    signal.removeEventListener('abort', end)
  }
}
