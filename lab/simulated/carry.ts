import { connect, type Socket } from 'node:net'

/** Forwards data between a client and a server until either hangs up. */
export function carry(
  client: Socket,
  to: { readonly host: string; readonly port: number; readonly localAddress: string },
): void {
  const server = connect(to)
  client.on('error', () => {}).once('close', () => server.destroy())
  server.on('error', () => {}).once('close', () => client.destroy())
  client.pipe(server)
  server.pipe(client)
}
