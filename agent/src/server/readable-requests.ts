import type { ServiceDefinition } from '@grpc/grpc-js'
import { QuorateError } from '@quorate/shared/errors'
import { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'

/** In place of a request whose bytes are no message, or hold a number above the safe ones. */
class UnreadableRequest {}

/** The service, with requests that are read without an error: grpc-js would answer one that is not in the table, and no one would record the call. */
export const readableRequests: ServiceDefinition = Object.fromEntries(
  Object.entries(NodeAgentServiceService).map(([name, method]) => [
    name,
    {
      ...method,
      requestDeserialize: (bytes: Buffer): unknown => {
        try {
          return method.requestDeserialize(bytes)
        } catch {
          return new UnreadableRequest()
        }
      },
    },
  ]),
)

/** INVALID_REQUEST for a request that could not be read. */
export function requireReadable(name: string, request: unknown): void {
  if (request instanceof UnreadableRequest)
    throw new QuorateError('INVALID_REQUEST', `${name}: the bytes of the request are not a message of this operation`)
}
