import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, statSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import type { History } from '@quorate/coordinator/audit/history'
import { parseListen } from '@quorate/coordinator/rest/listen-address'
import { serve } from '@quorate/coordinator/rest/serve'
import type { Renewals } from '@quorate/coordinator/state/renewals'
import { systemClock } from '@quorate/shared/clock'
import { keyOf } from '@quorate/shared/deny-list'
import { createFleetCa, issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import t from 'tap'
import { restSession, writeRun } from '../../../support/rest-session.js'

const token = 'a-token-of-at-least-thirty-two-characters'
const authorization = `Bearer ${token}`
const ca = createFleetCa('one')
const issuer = async () => ({ ...ca, rootsPem: ca.certPem })

function clientOf(issuer: KeyPair, organization: string, days = 1): { cert: string; key: string } {
  const names = { commonName: 'someone', organizations: [organization], dnsNames: [], ipAddresses: [] }
  const { certPem, keyPem } = issueCertificate({ ca: issuer, ...names, days, usage: 'client' })
  return { cert: certPem, key: keyPem }
}

function call(url: string, options: RequestOptions = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https') ? httpsRequest : httpRequest)(url, options, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    request.on('error', reject).end()
  })
}

t.test('loopback: plain HTTP with the token, refused without', async (t) => {
  const serving = await serve({ session: restSession(), listen: '127.0.0.1:0', token, issuer })
  t.teardown(() => serving.close())
  t.match(serving.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.equal(await call(`${serving.url}/v1/runs`), 401)
  t.equal(await call(`${serving.url}/v1/runs`, { headers: { authorization } }), 200)
  await t.rejects(serve({ session: restSession(), listen: serving.url.slice('http://'.length), token, issuer }), {
    code: 'PORT_IN_USE',
  })
})

t.test('a unix socket wants the token too', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'quorate-')), 's')
  const serving = await serve({ session: restSession(), listen: `unix:${path}`, token, issuer })
  t.teardown(() => serving.close())
  t.equal(await call('http://localhost/v1/runs', { socketPath: path }), 401)
  t.equal(await call('http://localhost/v1/runs', { socketPath: path, headers: { authorization } }), 200)
})

t.test('nobody but its owner can connect to a unix socket, from its first moment on', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'quorate-')), 's')
  const before = process.umask(0)
  t.teardown(() => process.umask(before))
  const modes = new Set<number>()
  const look = setInterval(() => {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found !== undefined) modes.add(found.mode & 0o077)
  }, 0)
  const serving = await serve({ session: restSession(), listen: `unix:${path}`, token, issuer })
  t.teardown(() => serving.close())
  clearInterval(look)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.same(
    [...modes].filter((mode) => mode !== 0),
    [],
  )
  t.equal(process.umask(0), 0, 'what is made afterwards is not affected')
})

t.test('any other address is TLS only, and takes certificates of the fleet by their role', async (t) => {
  const serving = await serve({ session: restSession(), listen: '0.0.0.0:0', token: '', issuer })
  t.teardown(() => serving.close())
  t.match(serving.url, /^https:/)
  const base = serving.url.replace('0.0.0.0', '127.0.0.1')
  const get = (client: object, path = '/v1/runs', method = 'GET') =>
    call(base + path, { ca: ca.certPem, method, agent: false, ...client })
  await t.rejects(call(`${base.replace('https', 'http')}/v1/health`, { agent: false }), 'no plain HTTP')
  await t.rejects(get({ ca: createFleetCa('two').certPem }), 'its own certificate is of this fleet')
  await t.rejects(get({ maxVersion: 'TLSv1.2' }), 'TLS 1.3 only')
  t.equal(await get({}, '/v1/health'), 200)
  t.equal(await get({}), 401)
  t.equal(await get(clientOf(ca, 'quorate:operator')), 200)
  t.equal(await get(clientOf(ca, 'quorate:observer')), 200)
  t.equal(await get(clientOf(ca, 'quorate:observer'), '/v1/plans', 'POST'), 403, 'an observer changes nothing')
  t.equal(await get(clientOf(ca, 'quorate:node')), 401)
  t.equal(await get(clientOf(ca, 'quorate:operator', -1)), 401, 'expired')
  t.equal(await get(clientOf(createFleetCa('two'), 'quorate:operator')), 401, 'another fleet')
})

t.test('TLS on loopback when asked: token or certificate', async (t) => {
  const serving = await serve({ session: restSession(), listen: '127.0.0.1:0', token, issuer, tls: true })
  t.teardown(() => serving.close())
  const get = (options: object) => call(`${serving.url}/v1/runs`, { ca: ca.certPem, agent: false, ...options })
  t.equal(await get({ headers: { authorization } }), 200)
  t.equal(await get(clientOf(ca, 'quorate:observer')), 200)
  t.equal(await get({}), 401)
})

t.test('neither token nor TLS is refused before anything listens', async (t) => {
  await t.rejects(serve({ session: restSession(), listen: '127.0.0.1:0', token: '', issuer }), { code: 'USAGE' })
})

t.test('a stream follows a run that goes on, and ends with the server', async (t) => {
  const session = restSession()
  const id = await writeRun(session, [], false)
  const lease = await session.leases.acquire('prod', id)
  t.teardown(() => lease.release())
  const serving = await serve({ session, listen: '127.0.0.1:0', token, issuer })
  const response = await fetch(`${serving.url}/v1/runs/${id}/events`, { headers: { authorization } })
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('event: run-started')) text += (await reader.read()).value ?? ''
  t.match(text, /^id: 1$/m)
  await serving.close()
  const end = async () => {
    while (!(await reader.read()).done);
  }
  await end().catch(() => undefined)
  t.pass('the stream ended')
})

t.test('addresses to listen on', async (t) => {
  t.match(parseListen('127.0.0.1:7446'), { kind: 'tcp', host: '127.0.0.1', port: 7446, loopback: true })
  t.match(parseListen('[::1]:0'), { host: '::1', loopback: true })
  t.match(parseListen('10.0.0.1:80'), { loopback: false })
  t.match(parseListen('[::]:80'), { loopback: false })
  t.match(parseListen('unix:/run/q.sock'), { kind: 'unix', path: '/run/q.sock' })
  for (const wrong of [
    '',
    '7446',
    'localhost:7446',
    '127.0.0.1',
    '127.0.0.1:65536',
    '::1:80',
    'unix:',
    'unix:q.sock',
    '127.1.evil.example:80',
  ]) {
    t.throws(() => parseListen(wrong), { code: 'USAGE' }, wrong)
  }
})

t.test('its certificate is replaced before it ends, for those who connect from then on', async (t) => {
  let ahead = 0
  const session = restSession({ clock: { ...systemClock, now: () => Date.now() + ahead * 86_400_000 } })
  const serving = await serve({ ...{ session, listen: '127.0.0.1:0', token, issuer, tls: true }, renewEveryMs: 20 })
  t.teardown(() => serving.close())
  const { hostname, port } = new URL(serving.url)
  const meet = async (): Promise<TLSSocket> => {
    const socket = connect({ host: hostname, port: Number(port), ca: ca.certPem })
    await once(socket, 'secureConnect')
    t.teardown(() => socket.destroy())
    return socket
  }
  const shown = (socket: TLSSocket) => socket.getPeerCertificate().fingerprint256
  const first = await meet()
  ahead = 59
  t.equal(shown(await meet()), shown(first), 'two thirds of its 90 days are not over')
  ahead = 61
  while (shown(await meet()) === shown(first)) await new Promise((resolve) => setTimeout(resolve, 20))
  first.write(`GET /v1/health HTTP/1.1\r\nhost: a\r\n\r\n`)
  t.match(String((await once(first, 'data'))[0]), /^HTTP\/1\.1 200 /, 'and a connection that was there goes on')
})

t.test('when other roots are trusted it shows a certificate below them, and accepts those of users', async (t) => {
  const next = createFleetCa('next')
  let now = await issuer()
  const serving = await serve({
    ...{ session: restSession(), listen: '127.0.0.1:0', token, tls: true, renewEveryMs: 20 },
    issuer: async () => now,
  })
  t.teardown(() => serving.close())
  const { hostname, port } = new URL(serving.url)
  now = { ...next, rootsPem: next.certPem }
  for (;;) {
    const socket = connect({ host: hostname, port: Number(port), ca: next.certPem })
    const isNext = await Promise.race([
      once(socket, 'secureConnect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (isNext) break
  }
  t.pass('it is proved by the next root alone')
})

t.test('identities of the fleet are renewed by a server alone, and the history says so', async (t) => {
  const entries: object[] = []
  let attempts = 0
  let validity = { from: 0, until: Date.now() }
  const own = async () => {
    attempts++
    return validity
  }
  const renewOwn = async () => (validity = { from: Date.now(), until: Date.now() + 86_400_000 })
  const session = restSession({
    renewals: { own, renewOwn, issuer: async () => ({ validity, rootKey: 'in clear' }) } as unknown as Renewals,
    history: { append: async (entry: object) => void entries.push(entry) } as unknown as History,
  })
  const serving = await serve({ ...{ session, listen: '127.0.0.1:0', token, issuer }, renewEveryMs: 20 })
  t.teardown(() => serving.close())
  while (attempts < 5) await new Promise((resolve) => setTimeout(resolve, 20))
  const who = 'quorate serve'
  t.match(entries, [
    { what: 'renew coordinator', who, outcome: 'renewed' },
    { what: 'renew k8smaster1.example.com', who, outcome: /^[A-Z_]+$/ },
  ])
  t.equal(entries.length, 2, 'the same failure is told once')
})

t.test('a certificate whose key was revoked opens nothing, from the next request on', async (t) => {
  const client = clientOf(ca, 'quorate:operator')
  const denied = new Set<string>()
  const isRevoked = async (sha256: string): Promise<boolean> => denied.has(sha256)
  const session = restSession()
  const serving = await serve({ ...{ session, listen: '127.0.0.1:0', token, issuer, tls: true }, isRevoked })
  t.teardown(() => serving.close())
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const get = () => call(`${serving.url}/v1/runs`, { ca: ca.certPem, agent, ...client })
  t.equal(await get(), 200)
  denied.add(keyOf(new X509Certificate(client.cert)))
  t.equal(await get(), 401, 'on the same connection')
})
