/**
 * Machines that join with a token, at a real listener: who may, who may not, what a machine learns that asks without one, and what is left where
 * either side dies half way.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join as at } from 'node:path'
import { openSession } from '@quorate/coordinator/open-session'
import { serveEnrolment } from '@quorate/coordinator/rest/serve'
import type { Session } from '@quorate/coordinator/runs/context/session'
import { initState } from '@quorate/coordinator/state/init'
import { readIssuer } from '@quorate/coordinator/state/issuer'
import { createFleetCa } from '@quorate/shared/issue-certificate'
import { parseNodeToken } from '@quorate/shared/node-token'
import { readCertificate } from '@quorate/shared/pki'
import t, { type Test } from 'tap'
import type { Host } from '../../agent/src/host/host.js'
import { LinuxHost } from '../../agent/src/host/linux-host.js'

process.env['QUORATE_AGENT_UNIT'] = '[Service]\nExecStart=/usr/bin/quorate-agent serve\n'
const { join } = await import('../../agent/src/install/join.js')

const node = 'k8sworker3.example.com'
const minutes = 60_000

interface Listening {
  readonly session: Session
  readonly coordinator: { readonly host: string; readonly port: number }
  readonly folder: string
  token(wish?: { readonly name?: string; readonly ttlMs?: number }): Promise<string>
}

async function listening(t: Test): Promise<Listening> {
  const folder = at(t.testdir(), 'state')
  const paths = await initState(folder)
  const session = await openSession(folder)
  const serving = await serveEnrolment({ session, listen: '127.0.0.1:0', issuer: () => readIssuer(paths) })
  t.teardown(() => serving.close())
  return {
    ...{ session, folder },
    coordinator: { host: '127.0.0.1', port: Number(new URL(serving.url).port) },
    token: async ({ name = node, ttlMs = 30 * minutes } = {}) =>
      (await session.nodeTokens?.create({ node: name, agent: '127.0.0.1:1', expiresAt: Date.now() + ttlMs })) ?? '',
  }
}

/** A machine without systemd that counts what is changed on it, and dies before change number `dies`. */
function machine(t: Test, name: string, dies = Number.POSITIVE_INFINITY) {
  const root = at(t.testdirName, name)
  for (const folder of ['etc/systemd/system', 'usr/lib/systemd/system'])
    mkdirSync(at(root, folder), { recursive: true })
  const real = new LinuxHost(root)
  const ran: string[] = []
  let changes = 0
  const counted =
    <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
    async (...args: Args) => {
      changes += 1
      if (changes >= dies) throw new Error('died')
      return work(...args)
    }
  const host: Host = Object.assign(Object.create(real) as Host, {
    replace: counted(real.replace.bind(real)),
    remove: counted(real.remove.bind(real)),
    makeFolder: counted(real.makeFolder.bind(real)),
    run: async ({ file, args }: { file: string; args: readonly string[] }) => {
      ran.push([file, ...args].join(' '))
      return { exitCode: 0, stdout: '', stderr: '' }
    },
  })
  const file = (path: string) => readFileSync(at(root, path), 'utf8')
  return { host, ran, file, changes: () => changes }
}

const serialOf = (pem: string): string => readCertificate(pem).serial

t.test(
  'a machine joins: key made there, certificate of the fleet, its agent started, the fleet knows it',
  async (t) => {
    const { session, coordinator, token } = await listening(t)
    const text = await token()
    const { host, ran, file } = machine(t, 'm')
    t.same(await join(host, { coordinator, token: parseNodeToken(text, 'x') }), { node, already: false })
    t.match(readCertificate(file('etc/quorate/node.crt')).sans, [node])
    t.match(file('etc/quorate/agent.yaml'), `node: ${node}\n`)
    t.match(file('etc/systemd/system/quorate-agent.service'), 'quorate-agent serve')
    t.same(ran, [
      'systemctl daemon-reload',
      'systemctl enable quorate-agent.service',
      'systemctl restart quorate-agent.service',
    ])
    t.match(await session.enrolled(), [{ name: node, agent: '127.0.0.1:1' }])
    t.match(await session.nodeTokens?.list(), [{ node, used: true }])
    t.match(
      (await session.history?.read())?.entries.map(({ who, what }) => [who, what]),
      [[`node ${node}`, 'POST /v1/join']],
    )
    t.same(await join(host, { coordinator, token: parseNodeToken(text, 'x') }), { node, already: true })
    await t.rejects(
      join(host, { coordinator, token: { ...parseNodeToken(text, 'x'), node: 'other' } }),
      /has joined as/,
    )
    const otherFleet = { ...parseNodeToken(text, 'x'), pin: '0'.repeat(64) }
    await t.rejects(join(host, { coordinator, token: otherFleet }), /belongs to another fleet/)
  },
)

t.test(
  'killed before any of its changes, the same command ends it: with the same key, the same certificate',
  async (t) => {
    const { coordinator, token, folder } = await listening(t)
    const whole = machine(t, 'whole')
    await join(whole.host, { coordinator, token: parseNodeToken(await token(), 'x') })
    for (let dies = 1; dies <= whole.changes(); dies++) {
      const given = parseNodeToken(await token(), 'x')
      await t.rejects(join(machine(t, `m${dies}`, dies).host, { coordinator, token: given }), { message: 'died' })
      const issued = () => readFileSync(at(folder, 'fleet/node-tokens', `${node}.crt`), 'utf8')
      const before = await Promise.resolve()
        .then(issued)
        .catch(() => undefined)
      const again = machine(t, `m${dies}`)
      await join(again.host, { coordinator, token: given })
      t.equal(
        serialOf(again.file('etc/quorate/node.crt')),
        serialOf(before ?? issued()),
        `killed before change ${dies}`,
      )
      t.throws(() => again.file('etc/quorate/node.key.joining'), { code: 'ENOENT' })
    }
  },
)

t.test('who may not join is told why, and nothing is issued', async (t) => {
  const { session, coordinator, token } = await listening(t)
  const good = parseNodeToken(await token(), 'x')
  const refused = async (
    wish: Partial<typeof good>,
    expected: { code?: string; message?: string | RegExp },
    at = coordinator,
  ) => {
    const stranger = machine(t, `stranger-${Math.random()}`)
    t.match(
      await join(stranger.host, { coordinator: at, token: { ...good, ...wish } }).catch((error: unknown) => error),
      expected,
    )
    t.throws(() => stranger.file('etc/quorate/node.crt'), { code: 'ENOENT' })
  }
  const unknown = { code: 'NOT_AUTHENTICATED', message: 'no node is expected with this token' }
  await refused({ secret: 'A'.repeat(43) }, unknown)
  await refused({ node: 'k8smaster1.example.com' }, unknown)
  await refused({ pin: '0'.repeat(64) }, { code: 'COORDINATOR_UNTRUSTED' })
  await refused({}, { code: 'COORDINATOR_UNREACHABLE' }, { ...coordinator, port: 1 })
  t.same(await session.enrolled(), [])

  await join(machine(t, 'first').host, { coordinator, token: good })
  await refused({}, { code: 'NOT_AUTHENTICATED', message: /was used by another key/ })
  await session.nodeTokens?.revoke(node)
  await refused({}, unknown)
  const late = parseNodeToken(await token({ name: 'late.example.com', ttlMs: -1 }), 'x')
  await refused(late, { code: 'NOT_AUTHENTICATED', message: /expired on/ })
  t.match(await session.enrolled(), { length: 1 })
})

t.test('a coordinator of another fleet gets nothing, not even the secret', async (t) => {
  const { session, token } = await listening(t)
  const ca = createFleetCa('another')
  const requests: unknown[] = []
  const spying: Session = {
    ...session,
    nodeTokens: { redeem: async (offer: unknown) => requests.push(offer) } as unknown as NonNullable<
      Session['nodeTokens']
    >,
  }
  const other = await serveEnrolment({
    session: spying,
    listen: '127.0.0.1:0',
    issuer: async () => ({ ...ca, rootsPem: ca.certPem }),
  })
  t.teardown(() => other.close())
  const coordinator = { host: '127.0.0.1', port: Number(new URL(other.url).port) }
  await t.rejects(join(machine(t, 'm').host, { coordinator, token: parseNodeToken(await token(), 'x') }), {
    code: 'COORDINATOR_UNTRUSTED',
  })
  t.same(requests, [])
})

t.test('a thousand guesses: a few are answered, the others wait a minute', async (t) => {
  const { coordinator, token, session } = await listening(t)
  await token()
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.teardown(() => {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  })
  const url = `https://127.0.0.1:${coordinator.port}/v1/join`
  const statuses = new Map<number, number>()
  const began = performance.now()
  for (let round = 0; round < 100; round++)
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const answer = await fetch(url, {
          method: 'POST',
          headers: { authorization: 'Bearer guess', 'content-type': 'application/json' },
          body: JSON.stringify({ node, publicKeyPem: 'x', signature: 'AAAA' }),
        })
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        await answer.arrayBuffer()
      }),
    )
  const minutesBegun = 1 + Math.ceil((performance.now() - began) / 60_000)
  t.same([...statuses.keys()].sort(), [401, 429])
  t.ok((statuses.get(401) ?? 0) <= 30 * minutesBegun, `${statuses.get(401)} of a thousand were looked at`)
  t.same(await session.enrolled(), [])
})

t.test('no secret is kept or told', async (t) => {
  const { coordinator, token, folder, session } = await listening(t)
  const text = await token()
  const { secret } = parseNodeToken(text, 'x')
  await join(machine(t, 'm').host, { coordinator, token: parseNodeToken(text, 'x') })
  const kept = readFileSync(at(folder, 'fleet/node-tokens', `${node}.json`), 'utf8')
  t.notMatch(kept, secret)
  t.notMatch(JSON.stringify((await session.history?.read())?.entries), secret)
  for (const bad of ['', 'quorate-node_', text.slice(0, -1), `${text}a`, text.replace(node, 'UPPER')])
    t.throws(() => parseNodeToken(bad, 'join.token'), { code: 'USAGE', where: 'join.token' })
  t.equal(parseNodeToken(`${text}\n`, 'x').node, node)
  await rm(folder, { recursive: true })
})
