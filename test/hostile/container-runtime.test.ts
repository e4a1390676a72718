import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync, gzipSync } from 'node:zlib'
import type { CriClient } from '@quorate/agent/host/cri'
import { connectCri } from '@quorate/agent/host/cri-client'
import { LinuxHost } from '@quorate/agent/host/linux-host'
import { listContainers } from '@quorate/agent/ops/list-containers'
import { restartStaticPod } from '@quorate/agent/ops/restart-static-pod'
import type { QuorateError } from '@quorate/shared/errors'
import {
  type Container,
  ListContainersResponse,
  ListImagesResponse,
  VersionResponse,
} from '@quorate/shared/gen/third_party/cri/api'
import t, { type Test } from 'tap'
import { container, startContainerRuntime } from '../support/container-runtime.js'
import { controlPlaneNode } from '../support/control-plane-node.js'
import { answers, endless, framed, type Misbehaviour, refuses, respond, serveHostileSocket } from './hostile-agent.js'
import { steering, steers } from './misbehaviours.js'

/** A unix socket's path holds 107 characters: the test's own folder would be too deep. */
function folderOf(t: Test): string {
  const root = mkdtempSync(join(tmpdir(), 'cri-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  return root
}

function clientOf(t: Test, root: string): CriClient {
  const client = connectCri(new LinuxHost(root), '/c.sock')
  t.teardown(() => client.close())
  return client
}

async function runtimeThat(t: Test, misbehave: Misbehaviour): Promise<CriClient> {
  const root = folderOf(t)
  const close = await serveHostileSocket(join(root, 'c.sock'), misbehave)
  const client = clientOf(t, root)
  t.teardown(close)
  return client
}

/** What listens there writes bytes of its own choice, once the first bytes of a client have come. */
async function bytesOf(t: Test, begin: (socket: Socket) => void): Promise<CriClient> {
  const root = folderOf(t)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('readable', () => begin(socket))
  })
  await new Promise<void>((resolve) => server.listen(join(root, 'c.sock'), resolve))
  const client = clientOf(t, root)
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return client
}

/** A frame of HTTP/2 (RFC 9113, section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
const [dataType, headersType, resetType, settingsType, pushType, pingType, continuationType] = [0, 1, 3, 4, 5, 6, 9]
const endStream = 1
const endHeaders = 4
const wishes = frame(settingsType, 0, 0)
/** And with the acknowledgement of the client's own. */
const settings = Buffer.concat([wishes, frame(settingsType, 1, 0)])
/** HPACK: `:method GET`, `:scheme http`, `:path /`, and an authority. */
const request = Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x41, 1]), Buffer.from('a')])
/** HPACK: `:status 200`, and a content type that is written out. */
const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
const header = (name: string, value: string): Buffer => Buffer.concat([Buffer.from([0]), text(name), text(value)])
const ok = Buffer.concat([Buffer.from([0x88]), header('content-type', 'application/grpc')])
const failed = frame(headersType, endHeaders | endStream, 1, Buffer.concat([ok, header('grpc-status', '13')]))
const pushed = (stream: number): Buffer => {
  const promised = Buffer.alloc(4)
  promised.writeUInt32BE(stream)
  return frame(pushType, endHeaders, 1, Buffer.concat([promised, request]))
}
const reset = (stream: number): Buffer => frame(resetType, 0, stream, Buffer.from([0, 0, 0, 2]))

const flood = (socket: Socket, bytes: Uint8Array): void => {
  const more = (): void => {
    while (!socket.destroyed && socket.write(bytes)) {
      // until nothing more fits
    }
  }
  socket.on('drain', more)
  more()
}

const greetingBytes = 24
/** Greets as HTTP/2 wants it; `answer` when the call has come, on stream 1. */
const called =
  (answer: (socket: Socket) => void, greeting: Uint8Array = settings) =>
  (socket: Socket): void => {
    let seen: Buffer = Buffer.alloc(0)
    let at = greetingBytes
    let isCalled = false
    socket.on('data', (bytes: Buffer) => {
      seen = Buffer.concat([seen, bytes])
      for (; !isCalled && seen.length >= at + 9; at += 9 + seen.readUIntBE(at, 3))
        isCalled = seen[at + 3] === headersType
      if (!isCalled) return
      socket.removeAllListeners('data').resume()
      answer(socket)
    })
    socket.write(greeting)
  }

const containers = (...all: readonly Parameters<typeof Container.fromPartial>[0][]): Uint8Array =>
  ListContainersResponse.encode(ListContainersResponse.fromPartial({ containers: [...all] })).finish()
const named = (name: string) => ({ id: 'a', metadata: { name, attempt: 0 } })
const empties = (count: number): Uint8Array => Buffer.alloc(2 * count, Buffer.from('0a00', 'hex'))
const compressed =
  (encoding: string, bytes: Uint8Array): Misbehaviour =>
  ({ stream }) => {
    respond(stream, { 'grpc-status': '0' }, { 'grpc-encoding': encoding })
    stream.end(framed(bytes, { compressed: true }))
  }
const http =
  (status: number): Misbehaviour =>
  ({ stream }) => {
    stream.respond({ ':status': status, location: 'https://evil.example', 'content-type': 'text/html' })
    stream.end(`<script>${steering}</script>`)
  }

/** A message of which a beginning comes. */
const claims =
  (length: number): Misbehaviour =>
  ({ stream }) => {
    respond(stream)
    stream.write(framed(new Uint8Array(10), { length }))
  }

/** Every way in which a runtime lists its containers badly, and what is said of it. */
const bad: Readonly<Record<string, readonly [Misbehaviour, RegExp]>> = {
  'no message': [answers(), /listing containers: /],
  'bytes without end': [endless(Buffer.alloc(2 ** 16, 0xff)), /larger than max/],
  'a message that is said to have 4 GiB': [claims(0xffffffff), /larger than max/],
  '63 MiB': [answers(Buffer.alloc(63 * 2 ** 20)), /larger than max/],
  'what unpacks to 100 MiB': [compressed('gzip', gzipSync(Buffer.alloc(100 * 2 ** 20))), /decompresses to a size/],
  'what inflates to 100 MiB': [
    compressed('deflate', deflateSync(Buffer.alloc(100 * 2 ** 20))),
    /decompresses to a size/,
  ],
  'what nothing unpacks': [compressed('x'.repeat(1_000), Buffer.from('x')), /listing containers: /],
  'a million containers': [answers(empties(1_000_000)), /more than 100000 fields/],
  'ten thousand and one': [answers(empties(10_001)), /10001 containers, more than 10000/],
  'bytes that are no message': [answers(Buffer.alloc(1_000, 0xff)), /parsing error/],
  'a message that ends early': [answers(Buffer.from('0aff7f0a05', 'hex')), /parsing error/],
  'groups in groups': [answers(Buffer.alloc(5_000, 0x0b)), /parsing error/],
  'a name of a megabyte': [answers(containers(named('x'.repeat(2 ** 20)))), /name has 1048576 characters/],
  'a name of 2,000 characters': [answers(containers(named('x'.repeat(2_000)))), /2000 characters that are no name/],
  'a name that steers': [answers(containers(named(`x${steering}`))), /no name: "x\\u\{1b\}\[2J/],
  'a name of two lines': [answers(containers(named('etcd\n0 errors'))), /no name: "etcd 0 errors"/],
  'a name that is no text': [answers(Buffer.from('0a060a04ff80c0af', 'hex')), /no name/],
  'an id that steers': [answers(containers({ id: steering })), /no name/],
  'a pod that steers': [answers(containers({ labels: { 'io.kubernetes.pod.name': steering } })), /no name/],
  'an image that steers': [answers(containers({ image: { image: steering } })), /no name/],
  'a state below zero': [answers(containers({ state: -1 })), /state is -1/],
  'a reset': [({ stream }) => stream.close(2), /RST_STREAM/],
  'a refused stream': [({ stream }) => stream.close(7), /refused/],
  'a goodbye': [({ session }) => session.goaway(11), /listing containers: /],
  'a cut connection': [({ session }) => session.destroy(), /listing containers: /],
  'a redirect': [http(302), /302/],
  'a page about an error': [http(500), /500/],
  'an error of 60,000 characters': [
    refuses({ 'grpc-status': '2', 'grpc-message': 'y'.repeat(60_000) }),
    /characters\)$|listing/,
  ],
  'an error that steers': [
    refuses({ 'grpc-status': '2', 'grpc-message': encodeURIComponent(`no\n${steering}`) }),
    /2 UNKNOWN: no \\u\{1b\}\[2J/,
  ],
  'a status that is none': [refuses({ 'grpc-status': '99', 'grpc-message': 'x' }), /listing containers: /],
  'a status that is no number': [refuses({ 'grpc-status': 'ok' }), /listing containers: /],
}

/** Bytes that are not gRPC, or not as HTTP/2 wants them. */
const garbage: Readonly<Record<string, (socket: Socket) => void>> = {
  'another protocol': (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'),
  'HTTP/1.1': (socket) => socket.write(`HTTP/1.1 400 Bad Request\r\n\r\n${steering}`),
  'bytes without end': (socket) => flood(socket, Buffer.alloc(2 ** 16, 0xff)),
  'an end': (socket) => socket.end(),
  'an end in the midst of a frame': (socket) => socket.end(settings.subarray(0, 5)),
  'a frame of 16 MiB': called((socket) => socket.write(Buffer.from('ffffff000000000001', 'hex'))),
  'headers that are none': called((socket) => socket.write(frame(headersType, endHeaders, 1, Buffer.alloc(100, 0xff)))),
  'headers without end': called((socket) => {
    socket.write(frame(headersType, 0, 1, ok))
    flood(socket, frame(continuationType, 0, 1, header('x', 'y'.repeat(100))))
  }),
  'an answer on a stream that nobody opened': called((socket) => socket.write(frame(headersType, endHeaders, 7, ok))),
  'data after the end': called((socket) =>
    socket.write(Buffer.concat([failed, frame(dataType, 0, 1, Buffer.alloc(100)), frame(dataType, 0, 1)])),
  ),
  'two ends': called((socket) => socket.write(Buffer.concat([failed, failed]))),
  'a pushed answer that is reset': called((socket) => socket.write(Buffer.concat([pushed(2), reset(2), failed]))),
  'a pushed answer, by one that does not know yet that none is wanted': called(
    (socket) => socket.write(Buffer.concat([pushed(2), reset(2), failed])),
    wishes,
  ),
  'thousands of pushed answers': called((socket) => {
    for (let stream = 2; stream < 20_000; stream += 2) socket.write(pushed(stream))
    socket.write(failed)
  }),
}

/** What keeps a call waiting: it is over when a call may last no longer. */
const waiting: Readonly<Record<string, (t: Test) => Promise<CriClient>>> = {
  silence: (t) => runtimeThat(t, () => undefined),
  'two answers': (t) => runtimeThat(t, answers(containers(), containers())),
  'answers without end': (t) => runtimeThat(t, endless(framed(containers()))),
  'half an answer': (t) => runtimeThat(t, claims(1_000)),
  'an answer byte by byte': (t) =>
    runtimeThat(t, ({ stream }) => {
      respond(stream)
      stream.write(framed(new Uint8Array(), { length: 100_000 }))
      const timer = setInterval(() => stream.write('x'), 100)
      stream.on('close', () => clearInterval(timer))
    }),
  'interim answers without end': (t) =>
    runtimeThat(t, ({ stream }) => {
      const timer = setInterval(() => stream.additionalHeaders({ ':status': 103, link: 'x' }), 10)
      stream.on('close', () => clearInterval(timer))
    }),
  'no greeting': (t) => bytesOf(t, () => undefined),
  'a greeting alone': (t) => bytesOf(t, (socket) => socket.write(settings)),
  'pings without end': (t) =>
    bytesOf(
      t,
      called((socket) => flood(socket, Buffer.concat(Array(100).fill(frame(pingType, 0, 0, Buffer.alloc(8)))))),
    ),
  'empty data without end': (t) =>
    bytesOf(
      t,
      called((socket) => {
        socket.write(frame(headersType, endHeaders, 1, ok))
        flood(socket, Buffer.concat(Array(100).fill(frame(dataType, 0, 1))))
      }),
    ),
}

/** One error with the code, a sentence and what to do: short, and nothing that a terminal obeys. */
function requireTold(t: Test, why: unknown, says: RegExp): void {
  t.match(why, { code: 'CONTAINER_RUNTIME_REFUSED', message: says, remedy: /On that node: /, where: '/c.sock' })
  const { message, remedy } = why as QuorateError
  t.notMatch(message + remedy, steers)
  t.notMatch(message, /\n/)
  t.ok(message.length < 1_200, `${message.length} characters`)
}

const errorOf = (answer: Promise<unknown>): Promise<unknown> => answer.then(String, (error: unknown) => error)

for (const [name, [misbehave, says]] of Object.entries(bad))
  t.test(`a container runtime that lists with ${name}`, async (t) => {
    const client = await runtimeThat(t, misbehave)
    requireTold(t, await errorOf(client.containers([])), says)
  })

for (const [name, begin] of Object.entries(garbage))
  t.test(`what listens at the runtime's socket answers with ${name}`, async (t) => {
    const client = await bytesOf(t, begin)
    requireTold(t, await errorOf(client.containers([])), /listing containers: /)
  })

t.test('a runtime that keeps a call waiting: each is over at its deadline', async (t) => {
  await Promise.all(
    Object.entries(waiting).map(async ([name, start]) => {
      const client = await start(t)
      const why = await errorOf(client.containers([]))
      t.match(why, { code: 'CONTAINER_RUNTIME_REFUSED' }, name)
      requireTold(t, why, /listing containers: /)
    }),
  )
})

t.test('version and tags of images are held to the same', async (t) => {
  const version = (more: object): Uint8Array => VersionResponse.encode(VersionResponse.fromPartial(more)).finish()
  const tags = (...all: readonly string[]): Uint8Array =>
    ListImagesResponse.encode(ListImagesResponse.fromPartial({ images: [{ id: 'a', repoTags: [...all] }] })).finish()
  const asked: readonly (readonly [Uint8Array, (client: CriClient) => Promise<unknown>, RegExp])[] = [
    [version({ runtimeName: steering }), (client) => client.version(), /name and version: .* no name/],
    [version({ runtimeName: 'x'.repeat(2 ** 20) }), (client) => client.version(), /1048576 characters/],
    [tags(`a${steering}`), (client) => client.images(), /tags of images: .* no name/],
    [tags(...Array(10_001).fill('a')), (client) => client.images(), /10001 tags of images/],
  ]
  for (const [bytes, ask, says] of asked) requireTold(t, await errorOf(ask(await runtimeThat(t, answers(bytes)))), says)
})

t.test('odd times and numbers of containers are shown as they are, and harm nothing', async (t) => {
  const [least, most] = ['-9223372036854775808', '9223372036854775807']
  const client = await runtimeThat(
    t,
    answers(
      containers(
        { ...named('etcd'), createdAt: least, state: 77, labels: JSON.parse('{"__proto__": "x", "constructor": "y"}') },
        { id: 'b', createdAt: most, metadata: { name: 'a', attempt: 4_294_967_295 } },
      ),
    ),
  )
  t.match(await client.containers([]), [
    { name: 'etcd', state: 'unknown', createdUnixMs: -9_223_372_036_854, pod: '' },
    { name: 'a', state: 'created', createdUnixMs: 9_223_372_036_854, attempt: 4_294_967_295 },
  ])
})

t.test('containers that users named like a static pod are neither stopped nor taken for it', async (t) => {
  const root = folderOf(t)
  const runtime = await startContainerRuntime(t, join(root, 'c.sock'))
  const of = (labels: Record<string, string>, id: string) => ({ ...container(id, 'kube-scheduler'), labels })
  const hosted = (id: string) =>
    of({ 'io.kubernetes.pod.name': 'kube-scheduler-0', 'io.kubernetes.pod.namespace': 'tenant' }, id)
  runtime.containers = [hosted('theirs'), of({}, 'none'), container('ours', 'kube-scheduler')]
  runtime.onStop = () => runtime.containers.push(hosted('theirs-2'), container('ours-2', 'kube-scheduler', 1))
  const context = (await controlPlaneNode(t)).context()
  const tools = { ...context.tools, cri: () => connectCri(new LinuxHost(root), '/c.sock') }
  const { facts } = await restartStaticPod.run(
    { header: undefined, component: 'kube-scheduler' },
    { ...context, tools },
  )
  t.same(runtime.stopped, ['ours 30'])
  t.match(facts, { container_id: 'ours-2', previous_container_id: 'ours' })
  const { containers: all } = await listContainers.run({ names: [] }, tools, context.signal)
  t.equal(all.length, 5, 'they are listed')
})

t.test('a runtime that lists a static pod a hundred times is not obeyed', async (t) => {
  const root = folderOf(t)
  const runtime = await startContainerRuntime(t, join(root, 'c.sock'))
  runtime.containers = Array.from({ length: 100 }, (_, at) => container(`c${at}`, 'kube-scheduler'))
  const context = (await controlPlaneNode(t)).context()
  const tools = { ...context.tools, cri: () => connectCri(new LinuxHost(root), '/c.sock') }
  const wish = { header: undefined, component: 'kube-scheduler' }
  await t.rejects(restartStaticPod.run(wish, { ...context, tools }), {
    code: 'CONTAINER_RUNTIME_REFUSED',
    message: '100 containers of kube-scheduler run, and a static pod has one',
  })
  t.same(runtime.stopped, [])
})
