import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import t from 'tap'
import { openAppendFile } from '../../../../agent/src/host/append-file.js'
import { Ledger } from '../../../../agent/src/server/ledger.js'
import { headerOf } from './toy-agent.js'

const open = async (path: string) => new Ledger(await openAppendFile(path), path)
const intent = (id: string) => ({
  header: headerOf(id),
  method: 'restartKubelet',
  payload: 'a'.repeat(64),
  request: Buffer.from(id),
})

t.test('what was written is known after a restart, sealed secrets included', async (t) => {
  const path = join(t.testdir(), 'state/ledger.jsonl')
  const before = await open(path)
  const result = OperationResult.fromPartial({
    summary: 'done',
    facts: { serial: '0A' },
    sealed: [{ node: 'cp2', ciphertext: Buffer.from([0, 255, 10, 13]) }],
  })
  await before.begin(intent('a'))
  await before.begin(intent('b'))
  await before.end('a', { kind: 'result', result })
  await before.begin(intent('c'))
  const error = { code: 'DRIFT', message: 'm', remedy: 'r', correlationId: '' }
  await before.end('c', { kind: 'error', error })
  await before.close()
  const after = await open(path)
  t.same(after.entry('a')?.outcome, { kind: 'result', result })
  t.match(after.entry('b'), { method: 'restartKubelet', outcome: undefined }, 'begun, its end unknown')
  t.same(after.entry('c')?.outcome, { kind: 'error', error })
  t.equal(after.entry('d'), undefined)
  t.equal(statSync(path).mode & 0o7777, 0o600)
  t.equal(statSync(join(path, '..')).mode & 0o7777, 0o700)
})

t.test('a line that a power cut tore is cut off, and the next one stands on its own', async (t) => {
  const path = join(t.testdir(), 'ledger.jsonl')
  const before = await open(path)
  await before.begin(intent('a'))
  await before.close()
  const whole = readFileSync(path, 'utf8')
  appendFileSync(path, '{"at":"2026-11-22T22:46:12.000Z","kind":"result","id":"a","su')
  const after = await open(path)
  t.equal(readFileSync(path, 'utf8'), whole)
  t.equal(after.entry('a')?.outcome, undefined)
  await after.end('a', { kind: 'result', result: OperationResult.fromPartial({ summary: 'late' }) })
  await after.close()
  t.match((await open(path)).entry('a')?.outcome, { result: { summary: 'late' } })
})

t.test('damage in the middle, an unknown line or an end without a beginning stop the agent', async (t) => {
  const path = join(t.testdir(), 'ledger.jsonl')
  for (const line of ['{"kind":"result"', '{"kind":"promise","id":"a"}', '{"kind":"error","id":"x","error":{}}']) {
    writeFileSync(path, `${line}\n`)
    await t.rejects(open(path), { code: 'JOURNAL_DAMAGED', message: /line 1 of/ })
  }
})

t.test('the highest fencing token of each cluster holds, also after a restart', async (t) => {
  const path = join(t.testdir(), 'ledger.jsonl')
  const before = await open(path)
  await before.admit(headerOf('a', { fencingToken: 3 }))
  await before.admit(headerOf('a', { fencingToken: 3 }))
  await before.admit(headerOf('a', { fencingToken: 1, cluster: 'test' }))
  await t.rejects(before.admit(headerOf('b', { fencingToken: 2 })), { code: 'FENCED' })
  await before.close()
  const after = await open(path)
  await t.rejects(after.admit(headerOf('c', { fencingToken: 2 })), { code: 'FENCED' })
  await after.admit(headerOf('c', { fencingToken: 4 }))
})

t.test('a disk that refuses a line leaves no part of it and does not let memory run ahead', async (t) => {
  const path = join(t.testdir(), 'ledger.jsonl')
  const file = await openAppendFile(path)
  let full = true
  const ledger = new Ledger(
    { ...file, append: (line) => (full ? Promise.reject(new Error('ENOSPC')) : file.append(line)) },
    path,
  )
  await t.rejects(ledger.begin(intent('a')), /ENOSPC/)
  t.equal(ledger.entry('a'), undefined)
  full = false
  await ledger.begin(intent('b'))
  t.ok(ledger.entry('b'), 'it goes on when there is room again')
})
