import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, get } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { connect, type TLSSocket } from 'node:tls'
import { createFleetCa, issueCertificate } from '@quorate/shared/issue-certificate'
import { renderHaproxy } from '@quorate/shared/load-balancer-config'
import t, { type Test } from 'tap'
import { Haproxy } from '../../lab/simulated/haproxy.js'
import type { SimulatedNetwork } from '../../lab/simulated/network.js'
import type { SimulatedNode } from '../../lab/simulated/node.js'

const address = '127.0.0.1'
const program = 'haproxy'

/** A server that is alive and never ready: as an API server on a machine that is too busy. Its checks come on connections of their own. */
async function neverReady(t: Test) {
  const wish = {
    commonName: 'a',
    organizations: [],
    dnsNames: ['a'],
    ipAddresses: [],
    days: 1,
    usage: 'server',
  } as const
  const { certPem: cert, keyPem: key } = issueCertificate({ ...wish, ca: createFleetCa('a') })
  let checks = 0
  const server = createServer({ cert, key }, (request, response) => {
    if (request.url === '/readyz') checks++
    response.writeHead(request.url === '/readyz' ? 503 : 200).end()
  })
  const open = new Set<Duplex>()
  server.on('connection', (socket) => open.add(socket))
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  await once(server.listen(0, address), 'listening')
  return { port: (server.address() as AddressInfo).port, checks: () => checks }
}

async function freePort(): Promise<number> {
  const server = createTcpServer()
  await once(server.listen(0, address), 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

type Start = (t: Test, text: string, port: number) => Promise<void>

const simulated: Start = async (t, text) => {
  const node = { address, must: () => text, newPid: () => 1, listening: new Set(), connections: new Set() }
  const network = { mayPass: () => true }
  const haproxy = new Haproxy(node as unknown as SimulatedNode, network as unknown as SimulatedNetwork, 'haproxy.cfg')
  await haproxy.start()
  t.teardown(() => haproxy.stop())
}

/** What needs root or a place of its own is left out. */
const real: Start = async (t, text, port) => {
  const file = join(t.testdir(), 'haproxy.cfg')
  writeFileSync(file, text.replace(/^ {2}(chroot|user|group|stats socket|log) .*\n/gm, ''))
  const haproxy = spawn(program, ['-db', '-f', file], { stdio: 'ignore' })
  t.teardown(() => haproxy.kill())
  while (!(await answers(port)) && haproxy.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal(haproxy.exitCode, null)
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    get({ host: address, port, path: '/version', rejectUnauthorized: false, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    }).on('error', () => resolve(false))
  })

async function session(port: number): Promise<TLSSocket> {
  const socket = connect({ host: address, port, rejectUnauthorized: false })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  return socket
}

const programs = { simulated, real }
const hasHaproxy = spawnSync(program, ['-v']).error === undefined

for (const [name, start] of Object.entries(programs)) {
  const skip = name === 'simulated' || hasHaproxy ? false : 'haproxy is not installed'
  t.test(`${name}: where every check fails, connections go to the servers all the same`, { skip }, async (t) => {
    const servers = [await neverReady(t), await neverReady(t)]
    const port = await freePort()
    const backends = servers.map((server, index) => ({ name: `cp${index + 1}`, address, port: server.port }))
    await start(t, renderHaproxy({ port, backends, bindAddress: address }), port)
    const held = [await session(port), await session(port)]
    await Promise.all(held.map((socket) => socket.closed || once(socket, 'close')))
    t.ok(await answers(port), 'those marked down lost their connections, and new ones are answered')
  })

  t.test(`${name}: the only server keeps its connections`, { skip }, async (t) => {
    const server = await neverReady(t)
    const port = await freePort()
    const backends = [{ name: 'cp1', address, port: server.port }]
    await start(t, renderHaproxy({ port, backends, bindAddress: address }), port)
    const held = await session(port)
    while (server.checks() < 4) await new Promise((resolve) => setTimeout(resolve, 50))
    t.ok(await answers(port))
    t.notOk(held.closed)
    held.destroy()
  })
}
