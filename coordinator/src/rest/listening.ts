import { chmod } from 'node:fs/promises'
import { QuorateError } from '@quorate/shared/errors'
import type { FastifyInstance } from 'fastify'
import type { ListenAddress } from './listen-address.js'

/** Lets a server listen, and returns its URL. PORT_IN_USE or USAGE, after which it is closed. */
export async function listening(
  app: FastifyInstance,
  address: ListenAddress,
  { listen, secure }: { readonly listen: string; readonly secure: boolean },
): Promise<string> {
  await listenAt(app, address).catch(async (error: NodeJS.ErrnoException) => {
    await app.close()
    throw cannotListen(error, address, listen)
  })
  const bound = app.addresses()[0]
  return urlOf(address, { secure, port: typeof bound === 'object' ? bound.port : undefined })
}

async function listenAt(app: FastifyInstance, address: ListenAddress): Promise<void> {
  if (address.kind === 'unix') await privately(address.path, () => app.listen({ path: address.path }))
  else await app.listen({ host: address.host, port: address.port })
}

/** Makes a socket that only this user can connect to, from its first moment on: a mode that is set afterwards comes too late. */
async function privately(path: string, listen: () => Promise<unknown>): Promise<void> {
  const before = process.umask(0o077)
  try {
    await listen()
  } finally {
    process.umask(before)
  }
  await chmod(path, 0o600)
}

function cannotListen(error: NodeJS.ErrnoException, address: ListenAddress, listen: string): QuorateError {
  const options = { where: listen, cause: error }
  if (error.code !== 'EADDRINUSE')
    return new QuorateError('USAGE', `cannot listen on this address: ${error.message}`, options)
  if (address.kind === 'tcp')
    return new QuorateError('PORT_IN_USE', 'another program listens on this address', {
      ...options,
      remedy: 'Stop that program, or use another address with --listen.',
    })
  return new QuorateError('PORT_IN_USE', 'the socket already exists', {
    ...options,
    remedy: `If no \`quorate serve\` uses it, remove ${address.path}.`,
  })
}

function urlOf(address: ListenAddress, { secure, port }: { secure: boolean; port: number | undefined }): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${secure ? 'https' : 'http'}://${host}:${port ?? address.port}`
}
