import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { connect, createSecureContext, type SecureVersion } from 'node:tls'
import { Client, credentials, Server, type ServiceError, status } from '@grpc/grpc-js'
import { createFleetCa, type IssueInput, issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import { clientCredentials, type MutualTlsIdentity } from '@quorate/shared/mtls'
import t from 'tap'
import { listenSecurely } from '../../../agent/src/server/secure-listener.js'

const nodeName = 'k8smaster1.example.com'
const ca = createFleetCa('f1')
const foreignCa = createFleetCa('f2')

const issue = (signer: KeyPair, usage: IssueInput['usage'], days = 1, name = nodeName): KeyPair =>
  issueCertificate({
    ca: signer,
    commonName: name,
    organizations: ['quorate:node'],
    dnsNames: [name],
    ipAddresses: [],
    days,
    usage,
  })
const identity = (trusted: KeyPair, { certPem, keyPem }: KeyPair): MutualTlsIdentity => ({
  ca: trusted.certPem,
  cert: certPem,
  key: keyPem,
})

const node = identity(ca, issue(ca, 'server'))
const coordinator = identity(ca, issue(ca, 'client', 1, 'coordinator'))

const bytes = (value: Buffer): Buffer => value
const echo = {
  path: '/test.Echo/Echo',
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
} as const

/** A gRPC server that echoes, on a loopback port; counts the calls that reached it. */
async function listen(
  t: Tap,
  served: MutualTlsIdentity,
): Promise<{ readonly port: number; readonly calls: () => number }> {
  let calls = 0
  const server = new Server()
  server.addService(
    { echo },
    {
      echo: (call: { request: Buffer }, reply: (error: null, value: Buffer) => void) => {
        calls++
        reply(null, call.request)
      },
    },
  )
  const listener = await listenSecurely(server, '127.0.0.1:0', served)
  t.teardown(() => {
    listener.close()
    server.forceShutdown()
  })
  return { port: listener.port, calls: () => calls }
}

type Tap = Pick<typeof t, 'teardown'>

/** One call; the status it ended with. */
function call(t: Tap, port: number, who: MutualTlsIdentity, name = nodeName): Promise<number> {
  const client = new Client(`127.0.0.1:${port}`, clientCredentials(who), {
    'grpc.ssl_target_name_override': name,
    'grpc.default_authority': name,
  })
  t.teardown(() => client.close())
  return new Promise((resolve) =>
    client.makeUnaryRequest(
      echo.path,
      bytes,
      bytes,
      Buffer.from('hello'),
      { deadline: Date.now() + 10_000 },
      (error: ServiceError | null) => resolve(error?.code ?? status.OK),
    ),
  )
}

/** What a bare TLS client gets: the protocol's version, or the refusal. */
function handshake(port: number, maxVersion: SecureVersion, who: MutualTlsIdentity): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      ...who,
      maxVersion,
      minVersion: 'TLSv1.2',
      servername: nodeName,
      ALPNProtocols: ['h2'],
    })
    socket.once('secureConnect', () => {
      resolve(socket.getProtocol() ?? '')
      socket.destroy()
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

t.test('the two sides of one fleet talk', async (t) => {
  const { port, calls } = await listen(t, node)
  t.equal(await call(t, port, coordinator), status.OK)
  t.equal(calls(), 1)
})

t.test('a server refuses', async (t) => {
  const { port, calls } = await listen(t, node)
  t.equal(await handshake(port, 'TLSv1.3', coordinator), 'TLSv1.3', 'the bare client is a good one')
  t.match(await handshake(port, 'TLSv1.2', coordinator), /PROTOCOL_VERSION|HANDSHAKE|ECONNRESET/, 'TLS 1.2')
  const foreign = identity(ca, issue(foreignCa, 'client'))
  t.equal(await call(t, port, foreign), status.UNAVAILABLE, 'a client of a foreign CA')
  t.equal(await call(t, port, identity(ca, issue(ca, 'client', -1))), status.UNAVAILABLE, 'an expired client')
  t.equal(await call(t, port, node), status.UNAVAILABLE, "a node's certificate used as a client's")
  const nobody = new Client(`127.0.0.1:${port}`, anonymous(), { 'grpc.ssl_target_name_override': nodeName })
  t.teardown(() => nobody.close())
  const code = await new Promise((resolve) =>
    nobody.makeUnaryRequest(
      echo.path,
      bytes,
      bytes,
      Buffer.alloc(0),
      { deadline: Date.now() + 10_000 },
      (error: ServiceError | null) => resolve(error?.code),
    ),
  )
  t.equal(code, status.UNAVAILABLE, 'a client without a certificate')
  t.equal(calls(), 0, 'none of them reached an operation')
})

const anonymous = () => credentials.createFromSecureContext(createSecureContext({ ca: ca.certPem }))

t.test('a client refuses', async (t) => {
  for (const [what, server] of [
    ['a server of a foreign CA', identity(ca, issue(foreignCa, 'server'))],
    ['an expired server', identity(ca, issue(ca, 'server', -1))],
    ["a client's certificate used as a server's", identity(ca, issue(ca, 'client'))],
    ['a server of another name', identity(ca, issue(ca, 'server', 1, 'k8smaster2.example.com'))],
  ] as const) {
    const { port, calls } = await listen(t, server)
    t.equal(await call(t, port, coordinator), status.UNAVAILABLE, what)
    t.equal(calls(), 0)
  }
})

t.test('a client refuses TLS 1.2', async (t) => {
  for (const [maxVersion, sessions] of [
    ['TLSv1.2', 0],
    ['TLSv1.3', 1],
  ] as const) {
    let seen = 0
    const server = createSecureServer({ ...node, requestCert: true, minVersion: 'TLSv1.2', maxVersion })
    server.on('session', (session) => {
      seen++
      session.on('error', () => undefined)
    })
    server.on('tlsClientError', () => undefined)
    server.on('stream', (stream) => stream.respond({ ':status': 404 }, { endStream: true }))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    await call(t, (server.address() as AddressInfo).port, coordinator)
    t.equal(seen > 0 ? 1 : 0, sessions, `${maxVersion}: ${sessions} sessions`)
  }
})
