import { roles } from '@quorate/shared/roles'
import t from 'tap'
import { accessTable } from '../../../../coordinator/src/rest/access-table.js'
import { clusterFile, writeRun } from '../../../support/rest-session.js'
import { operationsOf, servedRest } from '../../../support/served-rest.js'

type Method = 'GET' | 'POST'
const fileText = `${clusterFile}policy: {approvals: 2}\n`

t.test('the table has each route of OpenAPI, and no other', async (t) => {
  const { as } = await servedRest(t)
  const documented = [...(await operationsOf(await as('eyes', 'observer'))).keys()]
  t.same(documented.sort(), Object.keys(accessTable).sort())
})

for (const role of roles)
  t.test(`the role ${role} may call what the table says, and is refused everywhere else`, async (t) => {
    const { session, as } = await servedRest(t)
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
  const { session, fleet, history, as } = await servedRest(t)
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
  const { fleet, as } = await servedRest(t)
  const [operator, theirs] = [await as('olga', 'operator'), await as('far', 'approver', ['test'])]
  const { hash: planHash } = (await operator('POST', '/v1/plans', { clusterFile: fileText })).json()
  const approval = fleet.sign({ cluster: 'prod', kind: 'convert', planHash }, fleet.person('alice'))
  t.equal((await theirs('POST', '/v1/approvals', { clusterFile: fileText, approval })).statusCode, 403)
  t.equal((await theirs('POST', '/v1/plans', { clusterFile: fileText })).statusCode, 403)
})
