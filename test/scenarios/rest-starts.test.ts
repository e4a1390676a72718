import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'
import { flaws } from '../faults/flaws/all.js'
import { simulatedFlaws } from '../faults/flaws/simulated.js'
import { CoordinatorProcess } from '../support/coordinator-process.js'
import { clusterForTest, ended } from '../support/simulated-cluster.js'

interface Asked {
  readonly path: string
  readonly token: string
  readonly body?: object
}

/** One request over a socket; the answer and its status. */
function ask(socketPath: string, { path, token, body }: Asked): Promise<{ status: number; said: string }> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method: body === undefined ? 'GET' : 'POST', headers }, (answer) => {
      text(answer).then((said) => resolve({ status: answer.statusCode ?? 0, said }), reject)
    })
    sent.once('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

t.test('a fix and a drill by REST, each approved by its plan as the server returned it', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const at = (name: string): string => join(cluster.operatorFolder, name)
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))
  const flaw = flaws.find(({ id }) => id === 'kube-proxy-names-first')
  await flaw?.put(await simulatedFlaws(cluster))
  ended(t, await cluster.quorate(['identity', 'issue', 'alice', '--role', 'approver', '--to', at('alice')]))
  const { stdout: made } = await cluster.quorate(['token', 'create', 'alice', '--role', 'approver', '-o', 'json'])
  const { token: approver } = JSON.parse(made) as { token: string }

  const serving = new CoordinatorProcess(cluster, ['serve', '--approvals', '1', '--listen', `unix:${at('rest.sock')}`])
  await serving.said(/Serving/)
  const operator = readFileSync(join(cluster.stateFolder, 'rest/token'), 'utf8').trim()
  const send = (token: string, path: string, body?: object) =>
    ask(at('rest.sock'), { token, path, ...(body === undefined ? {} : { body }) })

  const clusterFile = readFileSync(cluster.clusterFile, 'utf8')
  for (const { route, wish, purpose } of [
    { route: '/v1/fixes', wish: { clusterFile }, purpose: 'fix' },
    { route: '/v1/drills', wish: { clusterFile, drill: { only: ['api-server'], downSeconds: 3 } }, purpose: 'drill' },
  ]) {
    const plan = await send(operator, `${route}/plan`, wish)
    t.equal(plan.status, 200, plan.said)
    const document = JSON.parse(plan.said) as { hash?: string; plan?: { hash: string } }
    const planHash = document.hash ?? document.plan?.hash ?? ''
    const start = () => send(operator, route, { ...wish, planHash })
    const lacking = await start()
    t.match([lacking.status, lacking.said], [422, /APPROVALS_MISSING.*approve [0-9a-f]{64} --plan plan\.json/])

    writeFileSync(at('plan.json'), plan.said)
    const signing = ['approve', planHash, '--plan', at('plan.json'), '--identity', at('alice'), '--yes']
    const signed = await cluster.quorate(signing)
    ended(t, signed)
    const given = await send(approver, '/v1/approvals', { ...wish, approval: JSON.parse(signed.stdout) })
    t.equal(given.status, 201, given.said)
    const started = await start()
    t.equal(started.status, 202, started.said)
    const { id } = JSON.parse(started.said) as { id: string }
    const run = async () => JSON.parse((await send(operator, `/v1/runs/${id}`)).said) as Record<string, unknown>
    const isOver = async () => ((await run())['outcome'] === 'running' ? notYet('running') : holds(true))
    await until('the run to end', isOver, { deadlineMs: 120_000, everyMs: 500 })
    t.match(await run(), { outcome: 'done', purpose, startedBy: 'token', approvals: [{}] })
  }
  serving.kill('SIGTERM')
  t.equal((await serving.ended).exitCode, 0)
  ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]))
})
