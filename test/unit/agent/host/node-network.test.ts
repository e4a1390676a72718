import { createServer, type Server } from 'node:https'
import { connect, createServer as createTcpServer } from 'node:net'
import type { ProbeEndpointRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { createFleetCa, issueCertificate } from '@quorate/shared/issue-certificate'
import { readCertificate } from '@quorate/shared/pki'
import t, { type Test } from 'tap'
import { LinuxHost } from '../../../../agent/src/host/linux-host.js'
import { NodeNetwork } from '../../../../agent/src/host/node-network.js'

const ca = createFleetCa('cluster')
const serving = issueCertificate({
  ca,
  commonName: 'kube-apiserver',
  organizations: [],
  dnsNames: ['apiserver.example.com', 'localhost'],
  ipAddresses: ['127.13.1.1'],
  days: 1,
  usage: 'server',
})
const admin = issueCertificate({
  ca,
  commonName: 'admin',
  organizations: ['system:masters'],
  dnsNames: [],
  ipAddresses: [],
  days: 1,
  usage: 'client',
})
const address = '127.13.1.1'
const network = new NodeNetwork({ host: new LinuxHost(), holdAddress: address })

/** A TLS server that answers who called, as an API server would see it. */
async function apiServer(t: Test): Promise<number> {
  const server: Server = createServer(
    { cert: serving.certPem, key: serving.keyPem, ca: ca.certPem, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const socket = request.socket as import('node:tls').TLSSocket
      const caller = socket.authorized ? socket.getPeerCertificate().subject.CN : 'anonymous'
      response.statusCode = request.url === '/readyz' ? 200 : 404
      response.end(`${caller} ${request.headers.host} ${request.url}`)
    },
  )
  return listen(t, server)
}

function listen(t: Test, server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  t.teardown(() => server.close())
  return new Promise((resolve) =>
    server.listen(0, address, () => resolve((server.address() as import('node:net').AddressInfo).port)),
  )
}

async function freePort(t: Test): Promise<number> {
  const spare = createTcpServer()
  const port = await listen(t, spare)
  await new Promise((done) => spare.close(done))
  return port
}

const asked = (port: number, rest: Partial<ProbeEndpointRequest> = {}): ProbeEndpointRequest => ({
  host: address,
  port,
  path: '/readyz',
  serverName: '',
  verify: 'VERIFY_MODE_CLUSTER_CA',
  timeoutMs: 3000,
  caPem: '',
  ...rest,
})

t.test('a probe comes all the way and says what certificate it was shown', async (t) => {
  const port = await apiServer(t)
  const shown = readCertificate(serving.certPem)
  t.match(await network.probe(asked(port), ca.certPem), {
    reached: 'done',
    error: '',
    address,
    httpStatus: 200,
    certificateSerial: shown.serial,
    certificateSha256: shown.sha256,
  })
  t.match(await network.probe(asked(port, { serverName: 'apiserver.example.com' }), ca.certPem), { reached: 'done' })
})

t.test('a name that the certificate lacks stops it at TLS, unless only the chain counts', async (t) => {
  const port = await apiServer(t)
  const other = { serverName: 'other.example.com' }
  t.match(await network.probe(asked(port, other), ca.certPem), {
    reached: 'tls',
    error: /other\.example\.com/,
    httpStatus: 0,
  })
  t.match(await network.probe(asked(port, { ...other, verify: 'VERIFY_MODE_CHAIN_ONLY' }), ca.certPem), {
    reached: 'done',
  })
})

t.test('a certificate of another authority stops it at TLS, whatever the web trusts', async (t) => {
  const port = await apiServer(t)
  const foreign = createFleetCa('other').certPem
  for (const verify of ['VERIFY_MODE_CLUSTER_CA', 'VERIFY_MODE_CHAIN_ONLY'] as const) {
    t.match(await network.probe(asked(port, { verify }), foreign), { reached: 'tls', error: /certificate/ })
    await t.rejects(network.probe(asked(port, { verify }), ''), { code: 'INVALID_REQUEST' })
  }
  t.match(await network.probe(asked(port, { verify: 'VERIFY_MODE_NONE', path: '' }), ''), { reached: 'done' })
})

t.test('each stage that fails is named: resolve, tcp, tls, and an answer that does not come', async (t) => {
  t.match(await network.probe(asked(1, { host: 'no-such-name.invalid' }), ca.certPem), {
    reached: 'resolve',
    error: /no address/,
  })
  t.match(await network.probe(asked(1), ca.certPem), { reached: 'tcp', error: /ECONNREFUSED/ })
  const closing = await listen(
    t,
    createTcpServer((socket) => socket.destroy()),
  )
  t.match(await network.probe(asked(closing), ca.certPem), { reached: 'tls', error: /./ })
  t.match(await network.probe(asked(closing, { verify: 'VERIFY_MODE_TCP' }), ''), { reached: 'done', error: '' })
  const silent = await listen(
    t,
    createTcpServer((socket) => void t.teardown(() => socket.destroy())),
  )
  t.match(await network.probe(asked(silent, { timeoutMs: 200 }), ca.certPem), {
    reached: 'tls',
    error: /within 200 ms/,
  })
})

t.test('names are resolved by the system; an address is its own answer; an unknown name has none', async (t) => {
  t.ok((await network.resolve('localhost')).some((found) => ['127.0.0.1', '::1'].includes(found)))
  t.same(await network.resolve('192.168.13.30'), ['192.168.13.30'])
  t.same(await network.resolve('no-such-name.invalid'), [])
})

t.test('a GET verifies the server and shows its own certificate', async (t) => {
  const port = await apiServer(t)
  const url = `https://${address}:${port}/readyz?verbose`
  t.same(await network.get(url, ca.certPem), { status: 404, body: `anonymous ${address}:${port} /readyz?verbose` })
  const as = { cert: admin.certPem, key: admin.keyPem }
  t.match(await network.get(url, ca.certPem, as), { body: /^admin / })
  await t.rejects(network.get(url, createFleetCa('other').certPem, as), /certificate/)
  await t.rejects(network.get('http://127.13.1.1/', ca.certPem), { code: 'INVALID_REQUEST' })
})

t.test(
  'held ports answer with the certificate that was announced, leave taken ones alone, and are free after',
  async (t) => {
    const taken = await listen(t, createTcpServer())
    const free = await freePort(t)
    const held = await network.holdPorts([free, taken])
    t.same([held.listening, held.inUse], [[free], [taken]])
    const probe = () => network.probe(asked(free, { verify: 'VERIFY_MODE_NONE', path: '' }), '')
    t.match(await probe(), { reached: 'done', certificateSha256: held.certificateSha256 })
    // Somebody who connects and says nothing must not keep the port.
    const idle = connect(free, address)
    await new Promise((done) => idle.once('connect', done))
    idle.on('error', () => {})
    await held.close()
    t.match(await probe(), { reached: 'tcp', error: /ECONNREFUSED/ })
  },
)

t.test('bytes go to the holder of the port with the certificate, and to nobody else', async (t) => {
  const port = await freePort(t)
  const held = await network.holdPorts([port])
  const request = { host: address, port, certificateSha256: held.certificateSha256 }
  const { bytesPerSecond, error } = await network.measurePath(request)
  t.equal(error, '')
  t.ok(bytesPerSecond > 0)
  const other = await network.measurePath({ ...request, certificateSha256: 'a'.repeat(64) })
  t.match(other, { bytesPerSecond: 0, error: /the server shows another certificate/ })
  await held.close()
  t.match(await network.measurePath(request), { bytesPerSecond: 0, error: /ECONNREFUSED/ })
})
