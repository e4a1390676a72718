import type { Socket } from 'node:net'
import { createServer } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { connectKubeApi } from '@quorate/agent/host/local-kube-api'
import { getClusterFacts } from '@quorate/agent/ops/get-cluster-facts'
import t, { type Test } from 'tap'
import { controlPlaneNode } from '../support/control-plane-node.js'

/** What the server writes after a request has come. */
type Answer = (socket: Socket) => void

const head = (...lines: readonly string[]): string => `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n`
const json =
  (text: string): Answer =>
  (socket) => {
    socket.write(`${head('content-type: application/json', `content-length: ${Buffer.byteLength(text)}`)}${text}`)
  }

/** The same piece until the agent hangs up. */
const endless =
  (begin: string, piece: string | Buffer): Answer =>
  (socket) => {
    socket.write(begin)
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece)) {
        // until nothing more fits
      }
    }
    socket.on('drain', more)
    more()
  }
const chunk = `10000\r\n${'[1,'.repeat(2 ** 16).slice(0, 2 ** 16)}\r\n`

/** Every way in which the API server answers badly. All end as API_SERVER_REFUSED with these words. */
const answers: Readonly<Record<string, readonly [Answer, RegExp]>> = {
  'a body without end': [endless(head('content-type: application/json'), 'x'.repeat(2 ** 16)), /more than \d+ bytes/],
  'a watch without end': [endless(head('transfer-encoding: chunked'), chunk), /more than \d+ bytes/],
  'interim answers without end': [
    endless('', 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'),
    /more than 100 interim answers/,
  ],
  'headers without end': [endless('HTTP/1.1 200 OK\r\n', `x-y: ${'z'.repeat(1_000)}\r\n`), /overflow/i],
  'a length that is too long': [
    (socket) => socket.end(`${head('content-length: 1000')}{}`),
    /aborted|hang up|ECONNRESET/,
  ],
  'a length below zero': [(socket) => socket.write(`${head('content-length: -1')}{}`), /Parse|Invalid|length/i],
  'two lengths': [(socket) => socket.write(`${head('content-length: 2', 'content-length: 3')}{}`), /Parse|length/i],
  'no HTTP': [(socket) => socket.write('SSH-2.0-OpenSSH\r\n'), /Parse/i],
  'a redirect elsewhere': [
    (socket) => socket.write('HTTP/1.1 302 Found\r\nlocation: https://192.0.2.1/steal\r\ncontent-length: 0\r\n\r\n'),
    /answered 302/,
  ],
  'a compressed bomb': [
    (socket) => {
      const body = gzipSync(Buffer.alloc(64 * 2 ** 20))
      socket.write(head('content-encoding: gzip', `content-length: ${body.length}`))
      socket.write(body)
    },
    /JSON/,
  ],
  'lists in lists': [json('['.repeat(2_000_000)), /levels/],
  'objects in objects': [json(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`), /levels/],
  'millions of objects': [json(`{"items":[${'{},'.repeat(3_000_000)}{}]}`), /objects/],
  'no JSON': [json('<html>\u001b[2J'), /JSON/],
  nothing: [json(''), /JSON/],
  null: [json('null'), /not an object/],
  'a number': [json('1e400'), /not an object/],
  'a list': [json('[]'), /not an object/],
  'items of another type': [json('{"items":7}'), /items/],
  'items that are null': [json('{"items":[null]}'), /items/],
  'metadata of another type': [json('{"metadata":"x","items":[]}'), /metadata/],
  'names of another type': [json('{"metadata":{"name":{"a":1}},"items":[{"metadata":{"name":[]}}]}'), /name/],
  'labels of another type': [json('{"metadata":{},"items":[{"metadata":{"name":"x","labels":{"a":1}}}]}'), /labels/],
  'conditions of another type': [
    json('{"items":[{"metadata":{"name":"x"},"status":{"conditions":"x"}}]}'),
    /conditions/,
  ],
  'data of another type': [json('{"metadata":{"name":"x"},"data":{"kubeconfig":{}}}'), /data/],
  'numbers of another type': [json('{"metadata":{"name":"x","generation":1e300}}'), /generation/],
  'a refusal without end': [
    (socket) => {
      const body = JSON.stringify({ message: 'y'.repeat(1_000_000) })
      socket.write(`HTTP/1.1 500 Error\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    },
    /answered 500: y{2000}$/,
  ],
}

/** A control plane whose API server is this one. */
async function nodeOf(t: Test, answer: Answer) {
  const node = await controlPlaneNode(t)
  const { certPem: cert, keyPem: key } = node.serving
  const sockets = new Set<Socket>()
  const server = createServer({ cert, key }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', () => answer(socket))
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const manifest = '/etc/kubernetes/manifests/kube-apiserver.yaml'
  node.write(manifest, node.text(manifest).replaceAll(String(node.api.port), String(port)))
  return node
}

for (const [name, [answer, says]] of Object.entries(answers))
  t.test(`an API server that answers with ${name}`, async (t) => {
    const node = await nodeOf(t, answer)
    const kube = await connectKubeApi(node.host)
    const why: unknown = await kube.get('/api/v1/nodes').catch((error: unknown) => error)
    t.match(why, { code: 'API_SERVER_REFUSED', message: says })
    t.ok((why as Error).message.length < 3_000)
  })

t.test('facts of a cluster whose API server lies about the types of everything: refused in its words', async (t) => {
  const { tools } = await nodeOf(t, json('{"items":[{"metadata":{"name":"x"},"spec":[],"status":{}}]}'))
  const request = { find: ['x'], joinRights: true, apiService: true }
  await t.rejects(getClusterFacts.run(request, tools, new AbortController().signal), {
    code: 'API_SERVER_REFUSED',
  })
})

t.test('an answer that drips is over when the caller has had enough', async (t) => {
  const enough = new AbortController()
  const node = await nodeOf(t, (socket) => {
    socket.write(head('content-length: 100000'))
    enough.abort(new Error('enough'))
  })
  const kube = await connectKubeApi(node.host)
  await t.rejects(kube.get('/api/v1/nodes', enough.signal), { message: /enough|aborted/ })
})
