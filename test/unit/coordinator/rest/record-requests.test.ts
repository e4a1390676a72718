import { historyOf } from '@quorate/coordinator/audit/history'
import { buildApp } from '@quorate/coordinator/rest/app'
import t from 'tap'
import { restSession } from '../../../support/rest-session.js'

const token = 'a-token-of-more-than-24-characters'

t.test('requests that change or are refused are in the history, reads once', async (t) => {
  const folder = t.testdir()
  const history = historyOf({ folder, keyPath: `${folder}/key`, fleetId: async () => '0123456789ab' })
  const app = buildApp({ session: restSession({ history }), token })
  t.teardown(() => app.close())
  const headers = { authorization: `Bearer ${token}` }
  for (let turn = 0; turn < 3; turn++) await app.inject({ url: '/v1/runs', headers })
  await app.inject({ url: '/v1/runs' })
  await app.inject({ method: 'POST', url: '/v1/runs', headers: { authorization: 'Bearer wrong' }, payload: {} })
  await app.inject({ method: 'POST', url: '/v1/runs', headers, payload: { clusterFile: 'no' } })
  await app.inject({ url: '/v1/other\n/x', headers })
  const { entries } = await history.read()
  t.match(entries, [
    { what: 'GET /v1/runs', who: 'token', from: '127.0.0.1', outcome: 'status 200' },
    { what: 'GET /v1/runs', who: 'unknown', outcome: 'status 401' },
    { what: 'POST /v1/runs', who: 'unknown', outcome: 'status 401' },
    { what: 'POST /v1/runs', who: 'token', outcome: 'status 400' },
    { what: 'GET (no such route)', who: 'token', outcome: 'status 404' },
  ])
  t.notOk(JSON.stringify(entries).includes(token), 'no secret')
})
