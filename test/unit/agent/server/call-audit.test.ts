import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NodeAgentServiceClient } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { RecordedCall } from '@quorate/shared/recorded-call'
import t from 'tap'
import { RotatingLines } from '../../../../agent/src/host/rotating-lines.js'
import { changeOperation, readOperation } from '../../../../agent/src/ops/context/operation.js'
import { recordCalls } from '../../../../agent/src/server/call-audit.js'
import { asked, clientOf, restart, resultWith, startToyAgent } from './toy-agent.js'

const operations = {
  restartKubelet: changeOperation(async () => resultWith('done')),
  resolveName: readOperation(async ({ name }: { name: string }) => ({ addresses: [name] })),
}

const resolve = (client: NodeAgentServiceClient, name: string) =>
  new Promise<void>((done) => client.resolveName({ name }, () => done()))

const newest = (client: NodeAgentServiceClient) =>
  new Promise<RecordedCall[]>((done, reject) =>
    client.listCalls({ newest: 100 }, (error, answer) =>
      error ? reject(error) : done(answer.calls.map((line) => JSON.parse(line) as RecordedCall)),
    ),
  )

t.test('every call is recorded with caller, certificate, address and outcome; what is refused too', async (t) => {
  const root = t.testdir()
  const path = join(root, 'calls.jsonl')
  const agent = await startToyAgent(t, root, operations, { calls: (log) => recordCalls(path, log) })
  const [operator, observer] = [clientOf(t, agent.port), clientOf(t, agent.port, ['quorate:observer'])]
  await asked(operator, restart('op-1'))
  await asked(observer, restart('op-2'))
  await asked(operator, restart('../../etc'))
  await resolve(clientOf(t, agent.port, ['quorate:node']), 'a.example.com')
  const calls = await newest(operator)
  const [run, method] = [restart('op-1').header?.runId, 'restartKubelet']
  t.match(calls, [
    { method, operation: 'op-1', run, outcome: 'began', caller: 'coordinator', from: /^127\.0\.0\.1:\d+$/ },
    { method, operation: 'op-1', outcome: 'ended', fingerprint: /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/ },
    { method, operation: 'op-2', outcome: 'began' },
    { method, operation: 'op-2', outcome: 'ACCESS_DENIED' },
    { method, operation: '../../etc', outcome: 'began' },
    { method, operation: '../../etc', outcome: 'INVALID_REQUEST' },
    { method: 'resolveName', outcome: 'ACCESS_DENIED' },
  ])
  t.not(calls[1]?.fingerprint, calls[3]?.fingerprint, 'two certificates')
  t.ok(calls.every(({ at }) => !Number.isNaN(Date.parse(at))))
  t.equal(agent.logged.filter((line) => line.includes('"event":"call"')).length, 7, 'journald has them too')
})

t.test('a read that repeats itself is recorded once an hour; the log has none of it', async (t) => {
  const root = t.testdir()
  const path = join(root, 'calls.jsonl')
  const agent = await startToyAgent(t, root, operations, { calls: (log) => recordCalls(path, log) })
  const client = clientOf(t, agent.port)
  for (let turn = 0; turn < 5; turn++) await resolve(client, 'a.example.com')
  await resolve(clientOf(t, agent.port), 'a.example.com')
  t.match(await newest(client), [
    { method: 'resolveName', outcome: 'ended' },
    { method: 'resolveName', outcome: 'ended' },
  ])
  t.notOk(agent.logged.some((line) => line.includes('resolveName')))
  await agent.stop()
  t.equal(readFileSync(path, 'utf8').split('\n').length, 4, 'two callers, one look at the record')
})

t.test('the file has a limit: it becomes the older of two, and the oldest lines go', async (t) => {
  const path = join(t.testdir(), 'state/calls.jsonl')
  const lines = new RotatingLines(path, 100, (error) => t.fail(String(error)))
  for (let turn = 0; turn < 30; turn++) {
    lines.append(`line ${String(turn).padStart(2, '0')}`)
    await lines.newest(1)
  }
  const kept = await lines.newest(1000)
  t.equal(kept.at(-1), 'line 29')
  t.ok(kept.length > 10 && kept.length < 30, `${kept.length} lines`)
  t.same(await lines.newest(2), ['line 28', 'line 29'])
  await lines.close()
})

t.test('a record that cannot be written stops no call, and is told', async (t) => {
  const root = t.testdir({ file: '' })
  const agent = await startToyAgent(t, root, operations, {
    calls: (log) => recordCalls(join(root, 'file/calls.jsonl'), log),
  })
  t.match(await asked(clientOf(t, agent.port), restart('op-1')), { result: { summary: 'done' } })
  await agent.stop()
  t.ok(agent.logged.some((line) => line.includes('calls are not recorded')))
})
