import { readdirSync, readFileSync, statSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { buildApp } from '@quorate/coordinator/rest/app'
import { serve } from '@quorate/coordinator/rest/serve'
import { restTokens } from '@quorate/coordinator/state/rest-tokens'
import t, { type Test } from 'tap'
import { restSession, writeRun } from '../../../support/rest-session.js'

const token = 'a-token-of-at-least-thirty-two-characters'
const day = 86_400_000

t.test('a token is kept as its hash, and read once', async (t) => {
  const folder = join(t.testdir(), 'rest/tokens')
  const tokens = restTokens(folder)
  const wish = { name: 'dashboard', role: 'observer', clusters: [], expiresAt: Date.now() + day } as const
  const made = await tokens.create(wish)
  t.match(made.token, /^quorate_dashboard_[\w-]{43}$/)
  t.equal(statSync(join(folder, 'dashboard.json')).mode & 0o777, 0o600)
  const kept = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  t.notOk(kept.join('').includes(made.token.slice(-43)))
  t.match(await tokens.find(made.token), wish)
  t.match(await tokens.list(), [wish])
  await t.rejects(tokens.create(wish), { code: 'USAGE', message: /of that name/ })
  for (const name of ['', '../x', 'A', 'a'.repeat(41), '-a', 'a/b', 'a_b'])
    await t.rejects(tokens.create({ ...wish, name }), { code: 'USAGE' }, name)
  await tokens.revoke('dashboard')
  t.equal(await tokens.find(made.token), undefined)
  await t.rejects(tokens.revoke('dashboard'), { code: 'USAGE', remedy: /token list/ })
  const again = await tokens.create(wish)
  t.equal(await tokens.find(made.token), undefined, 'the name again is another token')
  t.ok(await tokens.find(again.token))
})

t.test('a token that is expired, changed, another name’s or no token at all is nobody’s', async (t) => {
  let now = Date.now()
  const tokens = restTokens(t.testdir(), () => now)
  const { token: one } = await tokens.create({ name: 'one', role: 'operator', clusters: [], expiresAt: now + day })
  const { token: two } = await tokens.create({ name: 'two', role: 'observer', clusters: [], expiresAt: now + day })
  for (const wrong of [
    one.replace('_one_', '_two_'),
    two.replace('_two_', '_one_'),
    `${one}x`,
    one.slice(0, -1),
    one.replace('_one_', '_../one_'),
    one.replace('_one_', '_three_'),
    '',
  ])
    t.equal(await tokens.find(wrong), undefined, wrong)
  now += day
  await t.rejects(tokens.find(one), {
    code: 'NOT_AUTHENTICATED',
    message: /^the token one expired on 2/,
    remedy: /quorate token revoke one; quorate token create one --role operator$/,
  })
  t.equal(await tokens.find(`${one.slice(0, -1)}-`), undefined, 'who guesses learns nothing')
  t.equal((await tokens.list()).length, 2, 'but still listed')
})

async function appWith(t: Test) {
  const session = restSession()
  const tokens = restTokens(join(t.testdir(), 'tokens'))
  const app = buildApp({ session, token, findToken: (sent) => tokens.find(sent) })
  t.teardown(() => app.close())
  const make = async (name: string, role: 'observer' | 'operator', clusters: readonly string[] = []) => {
    const made = await tokens.create({ name, role, clusters, expiresAt: Date.now() + day })
    const headers = { authorization: `Bearer ${made.token}` }
    return async (method: 'GET' | 'POST', url: string, payload?: object) =>
      (await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })).statusCode
  }
  return { session, tokens, make }
}

t.test('an observer reads, an operator does both; a revoked token does neither, at once', async (t) => {
  const { tokens, make } = await appWith(t)
  const [observer, operator] = [await make('eyes', 'observer'), await make('hands', 'operator')]
  t.same([await observer('GET', '/v1/runs'), await observer('GET', '/v1/nodes')], [200, 200])
  for (const url of ['/v1/plans', '/v1/runs', '/v1/runs/x/resume', '/v1/runs/x/rollback'])
    t.equal(await observer('POST', url, {}), 403, url)
  t.same([await operator('GET', '/v1/runs'), await operator('POST', '/v1/runs', {})], [200, 400])
  await tokens.revoke('hands')
  t.equal(await operator('GET', '/v1/runs'), 401)
  t.equal(await observer('GET', '/v1/runs'), 200)
})

t.test('an observer of one cluster sees its runs and nothing else', async (t) => {
  const { session, make } = await appWith(t)
  const run = await writeRun(session)
  const [ours, theirs] = [await make('ours', 'observer', ['prod']), await make('theirs', 'observer', ['test', 'dev'])]
  const urls = ['', '/report', '/report.html', '/rollback', '/events'].map((rest) => `/v1/runs/${run}${rest}`)
  for (const url of urls) {
    t.not(await ours('GET', url), 403, url)
    t.equal(await theirs('GET', url), 403, url)
  }
  for (const caller of [ours, theirs]) {
    t.equal(await caller('GET', '/v1/runs'), 200)
    t.equal(await caller('GET', '/v1/nodes'), 403, 'nodes are of no cluster')
  }
})

t.test('the stream that a token opened ends within a second of its end', async (t) => {
  const session = restSession()
  const run = await writeRun(session, [], false)
  const tokens = restTokens(join(t.testdir(), 'tokens'))
  const made = await tokens.create({ name: 'eyes', role: 'observer', clusters: [], expiresAt: Date.now() + day })
  const serving = await serve({
    ...{ session, listen: '127.0.0.1:0', token, findToken: tokens.find },
    issuer: async () => {
      throw new Error('no TLS in this test')
    },
  })
  t.teardown(() => serving.close())
  const headers = { authorization: `Bearer ${made.token}` }
  const ended = new Promise<void>((resolve, reject) => {
    get(`${serving.url}/v1/runs/${run}/events`, { headers }, (answer) => {
      answer.once('data', () => void tokens.revoke('eyes'))
      answer.once('close', resolve).once('error', () => resolve())
      answer.resume()
    }).once('error', reject)
  })
  await ended
  t.pass('it ended')
})
