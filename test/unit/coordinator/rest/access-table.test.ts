import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { historyOf } from '@quorate/coordinator/audit/history'
import { buildApp } from '@quorate/coordinator/rest/app'
import { restTokens } from '@quorate/coordinator/state/rest-tokens'
import { type Role, roles } from '@quorate/shared/roles'
import t, { type Test } from 'tap'
import { accessTable } from '../../../../coordinator/src/rest/access-table.js'
import { approversOf } from '../../../support/approvers.js'
import { clusterFile, restSession, writeRun } from '../../../support/rest-session.js'

type Method = 'GET' | 'POST'
const [day, token] = [86_400_000, 'a-token-of-at-least-thirty-two-characters']
const fileText = `${clusterFile}policy: {approvals: 2}\n`

async function served(t: Test) {
  const fleet = approversOf(t)
  const folder = mkdtempSync(join(tmpdir(), 'quorate-access-'))
  const history = historyOf({ folder, keyPath: join(folder, 'key'), fleetId: async () => 'f' })
  const session = restSession({ approvals: fleet.approvals, history })
  const tokens = restTokens(join(folder, 'tokens'))
  const app = buildApp({ session, token, findToken: tokens.find })
  t.teardown(() => app.close())
  const as = async (name: string, role: Role, clusters: readonly string[] = []) => {
    const { token } = await tokens.create({ name, role, clusters, expiresAt: Date.now() + day })
    const headers = { authorization: `Bearer ${token}` }
    return (method: Method, url: string, payload?: object) =>
      app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
  }
  return { app, session, fleet, history, as }
}

t.test('the table has each route of OpenAPI, and no other', async (t) => {
  const { as } = await served(t)
  const { paths } = (await (await as('eyes', 'observer'))('GET', '/v1/openapi.json')).json() as {
    paths: Record<string, Record<string, unknown>>
  }
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  )
  t.same(documented.sort(), Object.keys(accessTable).sort())
})

for (const role of roles)
  t.test(`the role ${role} may call what the table says, and is refused everywhere else`, async (t) => {
    const { session, as } = await served(t)
    const run = await writeRun(session)
    const ask = await as('one', role)
    for (const [route, allowed] of Object.entries(accessTable)) {
      const [method, url] = route.replace(':id', run).split(' ') as [Method, string]
      const { statusCode } = await ask(method, url, method === 'POST' ? {} : undefined)
      const may = allowed === 'public' || allowed.includes(role)
      if (may) t.notOk([401, 403].includes(statusCode), `${route}: ${statusCode}`)
      else t.equal(statusCode, 403, route)
    }
    t.equal((await ask('GET', '/v1/nothing')).statusCode, 404)
  })

t.test('an operator plans and starts, approvers approve; none does both', async (t) => {
  const { session, fleet, history, as } = await served(t)
  const [operator, approver] = [await as('olga', 'operator'), await as('alices-machine', 'approver')]
  const plan = (await approver('POST', '/v1/plans', { clusterFile: fileText })).json()
  t.equal(plan.approvals, 2)
  const start = { clusterFile: fileText, planHash: plan.hash }
  const lacking = await operator('POST', '/v1/runs', start)
  t.match([lacking.statusCode, lacking.json()], [422, { code: 'APPROVALS_MISSING', remedy: /quorate approve/ }])
  t.equal((await approver('POST', '/v1/runs', start)).statusCode, 403)

  const about = { cluster: 'prod', kind: 'convert', planHash: plan.hash } as const
  const give = async (name: string, ask = approver) =>
    ask('POST', '/v1/approvals', { clusterFile: fileText, approval: fleet.sign(about, fleet.person(name)) })
  t.equal((await give('alice', operator)).statusCode, 403, 'an operator does not approve')
  t.match([(await give('alice')).statusCode, (await give('alice')).json()], [201, { code: 'APPROVAL_INVALID' }])
  const stale = fleet.sign({ ...about, planHash: 'a'.repeat(64) }, fleet.person('bob'))
  const refused = await approver('POST', '/v1/approvals', { clusterFile: fileText, approval: stale })
  t.match([refused.statusCode, refused.json()], [409, { code: 'PLAN_CHANGED' }])
  t.equal((await give('olga')).statusCode, 201)
  const own = await operator('POST', '/v1/runs', start)
  t.match(own.json(), { code: 'APPROVALS_MISSING', message: /olga starts the run and cannot approve it/ })
  t.match((await give('bob')).json(), { approver: 'bob', kind: 'convert', planHash: plan.hash })
  t.equal((await operator('GET', '/v1/approvals')).json().length, 3)

  const started = await operator('POST', '/v1/runs', start)
  t.equal(started.statusCode, 202, started.body)
  const run = (await operator('GET', `/v1/runs/${started.json().id}`)).json()
  t.match([run.startedBy, run.approvals.length], ['token olga', 2])
  const { entries } = await history.read()
  t.match(
    entries.filter(({ what }) => what.startsWith('approval of')).map(({ who }) => who),
    ['alice', 'olga', 'bob'],
  )
  t.ok((await session.runs.list()).length === 1)
})

t.test('an approver of some clusters approves theirs only', async (t) => {
  const { fleet, as } = await served(t)
  const [operator, theirs] = [await as('olga', 'operator'), await as('far', 'approver', ['test'])]
  const { hash: planHash } = (await operator('POST', '/v1/plans', { clusterFile: fileText })).json()
  const approval = fleet.sign({ cluster: 'prod', kind: 'convert', planHash }, fleet.person('alice'))
  t.equal((await theirs('POST', '/v1/approvals', { clusterFile: fileText, approval })).statusCode, 403)
  t.equal((await theirs('POST', '/v1/plans', { clusterFile: fileText })).statusCode, 403)
})
