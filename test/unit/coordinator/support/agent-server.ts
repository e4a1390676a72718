import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { MutualTlsIdentity } from '@quorate/shared/mtls'

/** What a test answers to single methods, as grpc-js calls them. */
export type Handlers = Record<string, (call: never, callback: never) => void>

/** The identity that `enroll --bundle` wrote. */
export function bundleIdentity(folder: string): MutualTlsIdentity {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  return { ca: read('fleet-ca.crt'), cert: read('node.crt'), key: read('node.key') }
}

/** A real gRPC server with mTLS on loopback; a method without a handler is UNIMPLEMENTED. */
export async function serveAgent(
  handlers: Handlers,
  identity: MutualTlsIdentity,
  port = 0,
): Promise<{ server: Server; port: number }> {
  const server = new Server()
  const refuse = (_call: unknown, callback?: unknown) => {
    if (typeof callback === 'function') callback({ code: status.UNIMPLEMENTED, details: 'not in this test' })
  }
  // Asked by every run before it does anything.
  const letIn = (_call: unknown, callback: (error: null, answer: object) => void) => callback(null, {})
  const all = Object.fromEntries(
    Object.keys(NodeAgentServiceService).map((name) => [
      name,
      handlers[name] ?? (name === 'raiseFence' ? letIn : refuse),
    ]),
  )
  server.addService(NodeAgentServiceService, all as never)
  const [ca, cert_chain, private_key] = [identity.ca, identity.cert, identity.key].map((pem) => Buffer.from(pem))
  const credentials = ServerCredentials.createSsl(ca as Buffer, [{ cert_chain, private_key } as never], true)
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, at) => (error === null ? resolve(at) : reject(error))),
  )
  return { server, port: bound }
}
