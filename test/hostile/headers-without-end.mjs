/** A client of a peer that sends headers without an end, again and again; needs --expose-gc. Ends with 0 if the process outlives it. */
import { connect } from 'node:http2'
import { createServer } from 'node:net'

const [headersType, settingsType, continuationType] = [1, 4, 9]
const rounds = 30

const frame = (type, stream, payload = Buffer.alloc(0)) => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A header as HPACK writes one that is in no table. */
const literal = (name, value) =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)])

/** Each frame in a packet of its own: at once, they would be refused before the limit of 64 KiB is reached. */
const writeEndless = (socket) => {
  socket.write(frame(headersType, 1, Buffer.concat([Buffer.from([0x88]), literal('x-a', 'y'.repeat(100))])))
  for (let written = 0; written < 2_000; written++)
    socket.write(frame(continuationType, 1, literal('x', 'y'.repeat(100))))
}

const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.write(frame(settingsType, 0))
  socket.once('data', () => setTimeout(() => writeEndless(socket), 10))
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
for (let round = 0; round < rounds; round++) {
  await new Promise((resolve) => {
    const session = connect(`http://127.0.0.1:${server.address().port}`)
    const stream = session.request({ ':path': '/' })
    stream.on('error', () => {})
    session.on('error', () => {})
    session.on('close', resolve)
    setTimeout(() => session.destroy(), 60)
  })
  await new Promise((resolve) => setTimeout(resolve, 5))
  globalThis.gc()
}
process.exit(0)
