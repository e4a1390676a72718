import type { Check } from '@quorate/coordinator/conversion/checks/check'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { buildApp } from '@quorate/coordinator/rest/app'
import { QuorateError } from '@quorate/shared/errors'
import t from 'tap'
import { againstSchema } from '../../../support/published-schemas.js'
import { clusterFile, restSession, writeRun } from '../../../support/rest-session.js'
import { foreignMarkup } from '../../../support/strict-html.js'

const token = 'a-token-of-at-least-thirty-two-characters'
const headers = { authorization: `Bearer ${token}` }
const appOf = (parts: Parameters<typeof restSession>[0] = {}) => {
  const session = restSession(parts)
  return { session, app: buildApp({ session, token }) }
}
const found: Check = {
  id: 'ca-key',
  title: 'x',
  check: async () => [{ id: 'ca-key', severity: 'error', node: 'n', message: 'm', evidence: 'e', remedy: 'r' }],
}

/** What fastify itself says is routed, as `METHOD /path`. */
async function routed(app: ReturnType<typeof buildApp>): Promise<string[]> {
  await app.ready()
  const path: string[] = []
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods] = /^([│ ]*)[├└]── (\S+)(?: \((.*)\))?$/.exec(line) ?? []
      if (part === '') return []
      path.length = indent.length / 4
      path.push(part)
      return (methods?.split(', ') ?? []).map((method) => `${method} ${path.join('')}`)
    })
}

t.test('every route but health refuses who has no token, a wrong one, or one in another scheme', async (t) => {
  const { app } = appOf()
  const routes = await routed(app)
  t.same(routes.sort(), [
    'GET /v1/approvals',
    'GET /v1/health',
    'GET /v1/history',
    'GET /v1/nodes',
    'GET /v1/openapi.json',
    'GET /v1/runs',
    'GET /v1/runs/:id',
    'GET /v1/runs/:id/events',
    'GET /v1/runs/:id/report',
    'GET /v1/runs/:id/report.html',
    'GET /v1/runs/:id/rollback',
    'POST /v1/approvals',
    'POST /v1/drills',
    'POST /v1/drills/plan',
    'POST /v1/fixes',
    'POST /v1/fixes/plan',
    'POST /v1/identities/renew',
    'POST /v1/plans',
    'POST /v1/runs',
    'POST /v1/runs/:id/resume',
    'POST /v1/runs/:id/rollback',
  ])
  const wrong = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${token}x`,
    `Bearer ${token.slice(0, -1)}`,
    `Basic ${token}`,
    token,
  ]
  for (const route of [...routes, 'GET /v1/nothing', 'DELETE /v1/runs']) {
    const [method, url] = route.split(' ') as ['GET' | 'POST' | 'DELETE', string]
    for (const authorization of wrong) {
      const answer = await app.inject({
        method,
        url,
        ...(authorization === undefined ? {} : { headers: { authorization } }),
      })
      if (url === '/v1/health') t.same([answer.statusCode, answer.json()], [200, { status: 'ok' }])
      else {
        t.same([answer.statusCode, answer.json().code], [401, 'NOT_AUTHENTICATED'], `${route} ${authorization}`)
        t.equal(answer.headers['www-authenticate'], 'Bearer')
      }
    }
  }
})

t.test('without a token in the server no bearer token opens it', async (t) => {
  const app = buildApp({ session: restSession(), token: '' })
  for (const authorization of ['Bearer ', 'Bearer undefined']) {
    t.equal((await app.inject({ url: '/v1/runs', headers: { authorization } })).statusCode, 401)
  }
})

t.test('a plan has findings, steps and its hash; from JSON and from the file itself', async (t) => {
  const { app } = appOf({ checks: [found] })
  const json = await app.inject({ method: 'POST', url: '/v1/plans', headers, payload: { clusterFile } })
  t.equal(json.statusCode, 200, json.body)
  t.match(json.json(), {
    cluster: 'prod',
    blocked: true,
    findings: [{ id: 'ca-key', node: 'n', evidence: 'e' }],
    steps: [],
  })
  const yaml = await app.inject({
    method: 'POST',
    url: '/v1/plans',
    headers: { ...headers, 'content-type': 'application/yaml' },
    payload: clusterFile,
  })
  t.equal(yaml.json().hash, json.json().hash)
})

t.test('bad input is a 400 that says what to mend', async (t) => {
  const { app } = appOf()
  const send = (payload: object) => app.inject({ method: 'POST', url: '/v1/plans', headers, payload })
  t.match((await send({ clusterFile: `${clusterFile}nonsense: 1\n` })).json(), {
    code: 'CLUSTER_FILE_INVALID',
    where: /clusterFile:\d+/,
    remedy: /\S/,
  })
  for (const payload of [{}, { clusterFile: 5 }, { clusterFile, more: 1 }]) {
    const answer = await send(payload)
    t.same([answer.statusCode, answer.json().code], [400, 'USAGE'])
  }
  const large = await send({ clusterFile: 'x'.repeat(1024 * 1024) })
  t.equal(large.statusCode, 413)
  t.equal((await app.inject({ url: '/v1/runs/../../etc/passwd', headers })).statusCode, 404)
  t.same((await app.inject({ url: '/v1/runs/nonsense', headers })).json().code, 'RUN_NOT_FOUND')
})

t.test(
  'a run starts with the approved hash only, is 423 while another holds the cluster, and can be read',
  async (t) => {
    const { app, session } = appOf()
    const { hash } = (await app.inject({ method: 'POST', url: '/v1/plans', headers, payload: { clusterFile } })).json()
    const start = (planHash: string) =>
      app.inject({ method: 'POST', url: '/v1/runs', headers, payload: { clusterFile, planHash } })
    t.match((await start('another')).json(), { code: 'PLAN_CHANGED' })
    const lease = await session.leases.acquire('prod', '20261122t221530-ab12cd' as never)
    const held = await start(hash)
    t.same([held.statusCode, held.json().code], [423, 'CLUSTER_HELD'])
    t.same((await app.inject({ url: '/v1/runs', headers })).json(), [], 'nothing was written')
    await lease.release()
    const started = await start(hash)
    t.equal(started.statusCode, 202, started.body)
    const { id } = started.json()
    t.equal(started.headers.location, `/v1/runs/${id}`)
    const events = await app.inject({ url: `/v1/runs/${id}/events`, headers })
    t.match(events.body, /event: run-ended/)
    t.match((await app.inject({ url: `/v1/runs/${id}`, headers })).json(), {
      id,
      cluster: 'prod',
      outcome: 'done',
      planHash: hash,
      clusterFile,
    })
    const [summary] = (await app.inject({ url: '/v1/runs', headers })).json()
    t.match(summary, { id, outcome: 'done' })
    t.notOk('clusterFile' in summary, 'a list has no whole runs')
  },
)

t.test('a blocked plan starts nothing', async (t) => {
  const { app } = appOf({ checks: [found] })
  const { hash } = (await app.inject({ method: 'POST', url: '/v1/plans', headers, payload: { clusterFile } })).json()
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/runs',
    headers,
    payload: { clusterFile, planHash: hash },
  })
  t.same([answer.statusCode, answer.json().code], [422, 'BLOCKED_BY_FINDINGS'])
  t.same((await app.inject({ url: '/v1/runs', headers })).json(), [])
})

t.test('closing the server lets a run of its own come to a safe place first', async (t) => {
  let apply = () => {}
  const applying = new Promise<void>((resolve) => {
    apply = resolve
  })
  let finish = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const action = (id: string) => ({ id, node: 'k8smaster1.example.com', does: 'x', diffs: [] })
  const done: string[] = []
  const step: ConversionStep = {
    id: 'only',
    title: 'Only',
    gate: 'g',
    undo: 'u',
    width: 1,
    plan: async () => ['a', 'b'].map(action),
    apply: async (_run, { id }) => {
      apply()
      await finished
      done.push(id)
    },
    verify: async () => [],
    rollback: { nothingToUndo: 'x' },
  }
  const { app, session } = appOf({ order: [step] })
  const { hash } = (await app.inject({ method: 'POST', url: '/v1/plans', headers, payload: { clusterFile } })).json()
  const { id } = (
    await app.inject({ method: 'POST', url: '/v1/runs', headers, payload: { clusterFile, planHash: hash } })
  ).json()
  await applying
  const closing = app.close()
  closing.catch(() => undefined)
  // fastify would give up a hook after ten seconds; a control plane that joins takes longer.
  await new Promise((resolve) => setTimeout(resolve, 10_500))
  finish()
  await closing
  t.same(done, ['a'], 'the action that ran came to its end, the next was not begun')
  t.match((await session.runs.read(id)).at(-1), { event: { kind: 'run-ended', outcome: 'interrupted' } })
})

t.test('events are numbered, go on after Last-Event-ID, and end with 204 when there is no more', async (t) => {
  const { app, session } = appOf()
  const id = await writeRun(session, [{ kind: 'step-started', step: 's', title: 'T\n\nevent: forged', actions: [] }])
  const all = await app.inject({ url: `/v1/runs/${id}/events`, headers })
  t.match(all.headers['content-type'], /^text\/event-stream/)
  t.same(
    [...all.body.matchAll(/^id: (\d+)\nevent: (\S+)$/gm)].map(([, seq, kind]) => `${seq} ${kind}`),
    ['1 run-started', '2 step-started', '3 run-ended'],
  )
  t.equal([...all.body.matchAll(/^event: /gm)].length, 3, 'text of an event cannot make another')
  const rest = await app.inject({ url: `/v1/runs/${id}/events`, headers: { ...headers, 'last-event-id': '2' } })
  t.same(
    [...rest.body.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => seq),
    ['3'],
  )
  t.equal(
    (await app.inject({ url: `/v1/runs/${id}/events`, headers: { ...headers, 'last-event-id': '3' } })).statusCode,
    204,
  )
  t.equal(
    (await app.inject({ url: `/v1/runs/${id}/events`, headers: { ...headers, 'last-event-id': 'x' } })).statusCode,
    400,
  )
  t.equal((await app.inject({ url: '/v1/runs/20261122t221530-ab12cd/events', headers })).statusCode, 404)
})

t.test('a report is the published document, and a page that a browser lets run nothing', async (t) => {
  const { app, session } = appOf()
  const id = await writeRun(session, [{ kind: 'node-missing', node: 'w1', message: '<script>alert(1)</script>' }])
  const report = await app.inject({ url: `/v1/runs/${id}/report`, headers })
  t.equal(report.statusCode, 200, report.body)
  t.same(againstSchema(report.json()), [])
  t.match(report.json(), { run: id, cluster: 'prod', site: { endpoint: 'apiserver.example.com:8443' } })
  const page = await app.inject({ url: `/v1/runs/${id}/report.html`, headers })
  t.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  t.match(page.headers['content-security-policy'], /^default-src 'none'; /)
  t.match(page.body, /^<!doctype html>[\s\S]*&lt;script&gt;alert/)
  t.same(foreignMarkup(page.body), [])
  for (const path of ['report', 'report.html'])
    t.equal((await app.inject({ url: `/v1/runs/20261122t221530-ab12cd/${path}`, headers })).statusCode, 404)
})

t.test('what is unknown stays in our log: 500 has a correlation id and nothing else', async (t) => {
  const { app } = appOf({ enrolled: async () => Promise.reject(new Error('secret detail /root/x')) })
  const answer = await app.inject({ url: '/v1/nodes', headers })
  t.equal(answer.statusCode, 500)
  t.match(answer.json(), { code: 'INTERNAL', message: 'Internal error', correlationId: /^[0-9a-f-]{36}$/ })
  t.notMatch(answer.body, /secret detail/)
})

t.test("a node's trouble is a 502, not the caller's fault", async (t) => {
  const { app } = appOf({
    enrolled: async () => Promise.reject(new QuorateError('AGENT_UNTRUSTED', 'another fleet', { where: 'n' })),
  })
  const answer = await app.inject({ url: '/v1/nodes', headers })
  t.same([answer.statusCode, answer.json().code, answer.json().where], [502, 'AGENT_UNTRUSTED', 'n'])
})

t.test('nodes answer as they are', async (t) => {
  const { app } = appOf()
  t.match((await app.inject({ url: '/v1/nodes', headers })).json(), [
    { name: 'k8smaster1.example.com', reachable: true, agentVersion: '0.1.0' },
  ])
})

t.test('the OpenAPI document lists exactly the routes, and every reference in it resolves', async (t) => {
  const { app } = appOf()
  const document = (await app.inject({ url: '/v1/openapi.json', headers })).json()
  t.match(document, { openapi: '3.1.0', info: { title: 'Quorate', version: /\S/ } })
  const operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        route: `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
        operation,
      })),
  )
  t.same(operations.map(({ route }) => route).sort(), (await routed(app)).sort())
  t.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, operations.length)
  for (const { route, operation } of operations) {
    const open = route === 'GET /v1/health'
    t.same(operation.security ?? document.security, open ? [] : [{ token: [] }, { certificate: [] }], route)
    t.ok(
      Object.entries(operation.responses).every(
        ([status, { description }]) => /^([1-5]\d\d|[1-5]XX)$/.test(status) && description !== '',
      ),
      `${route} ${Object.keys(operation.responses)}`,
    )
    t.same(
      [...route.matchAll(/:(\w+)/g)].map(([, name]) => name),
      (operation.parameters ?? []).filter((each) => each.in === 'path').map((each) => each.name),
    )
  }
  for (const [, pointer = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    t.ok(
      pointer.split('/').reduce((at: Record<string, never> | undefined, key) => at?.[key], document),
      pointer,
    )
  }
})

interface Operation {
  readonly operationId: string
  readonly security?: unknown
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Record<string, { readonly description: string }>
}
