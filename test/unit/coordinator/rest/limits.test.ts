import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '@quorate/coordinator/rest/serve'
import { createFleetCa } from '@quorate/shared/issue-certificate'
import t from 'tap'
import { restSession, writeRun } from '../../../support/rest-session.js'

const token = 'a-token-of-at-least-thirty-two-characters'
const headers = { authorization: `Bearer ${token}` }
const ca = createFleetCa('one')
const issuer = async () => ({ ...ca, rootsPem: ca.certPem })

const silent = (url: string): Socket =>
  connect({ port: Number(new URL(url).port), host: '127.0.0.1' })
    .on('error', () => undefined)
    .resume()

t.test('connections without a token are few, and end; who has it is answered', async (t) => {
  const wait = async (tls: boolean): Promise<void> => {
    const serving = await serve({ session: restSession(), listen: '127.0.0.1:0', token, issuer, tls })
    t.teardown(() => serving.close())
    const sockets = Array.from({ length: 200 }, () => silent(serving.url))
    const open = () => sockets.filter((socket) => !socket.closed).length
    while (open() > 32) await sleep(20)
    if (!tls) t.equal((await fetch(`${serving.url}/v1/runs`, { headers })).status, 200)
    while (open() > 0) await sleep(20)
    t.equal(open(), 0)
  }
  await Promise.all([wait(false), wait(true)])
})

t.test('a body that never comes is not awaited from a stranger', async (t) => {
  const serving = await serve({ session: restSession(), listen: '127.0.0.1:0', token, issuer })
  t.teardown(() => serving.close())
  const socket = silent(serving.url)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.write('POST /v1/plans HTTP/1.1\r\nhost: a\r\ncontent-type: application/yaml\r\ncontent-length: 1000\r\n\r\na')
  await once(socket, 'close')
  t.match(answer, /^HTTP\/1\.1 401 [\s\S]*\r\nconnection: close\r\n/i)
})

t.test('event streams have a limit', async (t) => {
  const session = restSession()
  const id = await writeRun(session, [], false)
  const lease = await session.leases.acquire('prod', id)
  t.teardown(() => lease.release())
  const serving = await serve({ session, listen: '127.0.0.1:0', token, issuer })
  t.teardown(() => serving.close())
  const follow = (signal?: AbortSignal) =>
    fetch(`${serving.url}/v1/runs/${id}/events`, { headers, ...(signal === undefined ? {} : { signal }) })
  const stop = new AbortController()
  for (let each = 0; each < 64; each++) t.equal((await follow(stop.signal)).status, 200)
  const refused = await follow()
  t.equal(refused.status, 429)
  t.match(await refused.json(), { code: 'TOO_MANY_STREAMS' })
  stop.abort()
  while ((await follow()).status === 429) await sleep(20)
})
