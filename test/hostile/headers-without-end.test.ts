/**
 * Node.js before 24.22.3 ended (SIGABRT) when it freed a connection on which a peer had sent more than 64 KiB of headers without an end: one
 * hostile agent ended the coordinator. The executables embed the Node.js that runs this test.
 */
import { connect } from 'node:http2'
import { type AddressInfo, createServer } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const [headersType, settingsType, continuationType] = [1, 4, 9]
const rounds = 20

function frame(type: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A header as HPACK writes one that is in no table. */
const literal = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)])

const status200 = Buffer.from([0x88])
const endless = Buffer.concat([
  frame(headersType, 1, Buffer.concat([status200, literal('x-a', 'y'.repeat(100))])),
  ...Array.from({ length: 2_000 }, () => frame(continuationType, 1, literal('x', 'y'.repeat(100)))),
])

t.test('headers without end cost a connection, not the process', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write(frame(settingsType, 0))
    socket.once('data', () => setTimeout(() => socket.write(endless), 10))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  for (let round = 0; round < rounds; round++) {
    await new Promise<void>((resolve) => {
      const session = connect(`http://127.0.0.1:${port}`)
      session.on('error', () => {})
      session.on('close', resolve)
      session.request({ ':path': '/' }).on('error', () => {})
      setTimeout(() => session.destroy(), 60)
    })
    await new Promise((resolve) => setTimeout(resolve, 5))
    collectGarbage()
  }
  t.pass(`${rounds} connections`)
})
