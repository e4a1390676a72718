import { type CallOptions, type ClientUnaryCall, Metadata, type ServiceError } from '@grpc/grpc-js'

type UnaryMethod<In, Out> = (
  request: In,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Out) => void,
) => ClientUnaryCall

export interface UnaryOptions {
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
}

/** One unary gRPC call as a promise; rejects with the ServiceError, or with the signal's reason if it is aborted. */
export function unary<In, Out>(method: UnaryMethod<In, Out>, request: In, options: UnaryOptions): Promise<Out> {
  const { deadlineMs, signal } = options
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const cancel = () => call.cancel()
    const call = method(request, new Metadata(), { deadline: Date.now() + deadlineMs }, (error, response) => {
      signal?.removeEventListener('abort', cancel)
      if (error === null) resolve(response)
      else reject(signal?.aborted ? signal.reason : error)
    })
    signal?.addEventListener('abort', cancel, { once: true })
  })
}

/** The most characters of a server's own words that an error repeats: a trailer may have 64 KiB. */
const longestReason = 1_000

/** A server's own words as one line. What would steer a terminal or hide in it is written out. */
export function saidByServer(text: string): string {
  const cut = text.length <= longestReason ? text : `${text.slice(0, longestReason)} ... (${text.length} characters)`
  return cut.replace(/\s+/g, ' ').replace(/\p{C}/gu, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`)
}

/** The reason of a failed call as one line: `14 UNAVAILABLE: connect ECONNREFUSED`. */
export const grpcReason = (error: unknown): string =>
  saidByServer(error instanceof Error ? error.message : String(error))
