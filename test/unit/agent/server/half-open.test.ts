import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { NodeAgentServiceClient } from '@quorate/shared/gen/quorate/v1/node_agent'
import t, { type Test } from 'tap'
import { readOperation, streamOperation } from '../../../../agent/src/ops/context/operation.js'
import type { Operations } from '../../../../agent/src/ops/operations.js'
import { clientOf, startToyAgent } from './toy-agent.js'

const operations: Partial<Operations> = {
  resolveName: readOperation(async ({ name }) => ({ addresses: [name] })),
  holdPorts: streamOperation(async function* (_request, _tools, signal) {
    yield { listening: [], inUse: [], certificateSha256: '' }
    await once(signal, 'abort')
  }),
}

const answered = (client: NodeAgentServiceClient) =>
  new Promise<string[]>((resolve, reject) =>
    client.resolveName({ name: 'a.example.com' }, (error, response) =>
      error ? reject(error) : resolve(response.addresses),
    ),
  )

/** What a TLS client says first. */
const clientHello = (): Promise<Buffer> =>
  new Promise((resolve) => {
    const write = (chunk: Buffer, _encoding: string, done: () => void) => {
      resolve(chunk)
      done()
    }
    const socket = new Duplex({ read: () => undefined, write })
    connectTls({ socket, servername: 'node1.example.com', ALPNProtocols: ['h2'] }).on('error', () => undefined)
  })

interface HalfOpen {
  readonly opened: Socket[]
  readonly open: () => number
}

/** Connections that say hello and nothing more, or only its beginning and then a byte now and then. */
async function halfOpen(t: Test, port: number, from: readonly string[], slowly = false): Promise<HalfOpen> {
  const hello = await clientHello()
  const opened = from.map((localAddress) => {
    const socket = connectTcp({ port, host: '127.0.0.1', localAddress }).on('error', () => undefined)
    socket.resume().write(slowly ? hello.subarray(0, 20) : hello)
    if (!slowly) return socket
    let at = 20
    const timer = setInterval(() => socket.write(hello.subarray(at, ++at)), 200)
    return socket.once('close', () => clearInterval(timer))
  })
  t.teardown(() => {
    for (const socket of opened) socket.destroy()
  })
  return { opened, open: () => opened.filter((socket) => !socket.closed).length }
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await sleep(20)
}

t.test('connections without a certificate are few, and end; who has one is answered all the while', async (t) => {
  const { port } = await startToyAgent(t, t.testdir(), operations)
  const before = clientOf(t, port)
  await answered(before)
  const following = before.holdPorts({ ports: [], deadlineMs: 60_000, runId: '' })
  let ended = false
  following.on('error', () => undefined).on('end', () => (ended = true))
  await once(following, 'data')

  const { open } = await halfOpen(t, port, Array(300).fill('127.0.0.1'))
  await until(() => open() <= 32)
  t.same(await answered(before), ['a.example.com'], 'who is connected')
  t.same(await answered(clientOf(t, port)), ['a.example.com'], 'who connects now, from the same address')
  await until(() => open() === 0)
  t.equal(ended, false, 'a stream that was open goes on')
  following.cancel()
})

t.test('many addresses share a limit too', async (t) => {
  const { port } = await startToyAgent(t, t.testdir(), operations)
  const addresses = Array.from({ length: 300 }, (_, index) => `127.0.1.${1 + (index % 10)}`)
  const { open } = await halfOpen(t, port, addresses)
  await until(() => open() <= 128)
  t.same(await answered(clientOf(t, port)), ['a.example.com'])
})

t.test('a byte now and then does not keep a handshake going', async (t) => {
  const { port } = await startToyAgent(t, t.testdir(), operations)
  const { open } = await halfOpen(t, port, Array(8).fill('127.0.0.1'), true)
  await until(() => open() === 0)
  t.equal(open(), 0)
})
