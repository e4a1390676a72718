import http2 from 'node:http2'

const { connect } = http2

/**
 * Every connection by HTTP/2 of this process refuses what a server pushes (RFC 9113, section 8.4). No gRPC server pushes, but @grpc/grpc-js does not tell
 * it so, and listens to no pushed stream: when a hostile server resets one, its error has no listener and ends the process.
 */
export function refusePushes(): void {
  Object.assign(http2, {
    connect: ((authority, options, listener) => {
      const settings = { ...options?.settings, enablePush: false }
      return connect(authority, { ...options, settings }, listener)
    }) satisfies (...given: Parameters<typeof http2.connect>) => http2.ClientHttp2Session,
  })
}
