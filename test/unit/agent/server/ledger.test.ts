import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import t, { type Test } from 'tap'
import { openAppendFile } from '../../../../agent/src/host/append-file.js'
import { Ledger } from '../../../../agent/src/server/ledger.js'
import { FaultyDisk } from '../../../support/faulty-disk.js'
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

t.test('the fence is the cluster’s, whatever its coordinator calls it: its CA decides', async (t) => {
  const path = join(t.testdir(), 'ledger.jsonl')
  writeFileSync(path, '{"at":"2026-01-01T00:00:00Z","kind":"fence","cluster":"prod","token":3}\n')
  const before = await open(path)
  await t.rejects(before.admit(headerOf('a', { fencingToken: 2, cluster: 'prod' }), 'ca-1'), { code: 'FENCED' })
  await before.admit(headerOf('a', { fencingToken: 3, cluster: 'prod' }), 'ca-1')
  const other = { cluster: 'other-name' }
  for (const fencingToken of [1, 3])
    await t.rejects(before.admit(headerOf('b', { ...other, fencingToken }), 'ca-1'), {
      code: 'FENCED',
      message:
        /cluster prod was taken over with fencing token 3; this call has \d and calls the same cluster other-name/,
      remedy: /metadata\.name: prod /,
    })
  await before.admit(headerOf('c', { ...other, fencingToken: 1 }), 'ca-2')
  await before.admit(headerOf('d', { cluster: 'prod', fencingToken: 4 }))
  await before.close()
  const after = await open(path)
  await t.rejects(after.admit(headerOf('e', { ...other, fencingToken: 3 }), 'ca-1'), { code: 'FENCED' })
  await after.admit(headerOf('e', { ...other, fencingToken: 5 }), 'ca-1')
  await t.rejects(after.admit(headerOf('f', { cluster: 'prod', fencingToken: 4 }), 'ca-1'), { code: 'FENCED' })
})

t.test('of two coordinators with the same token under two names one passes', async (t) => {
  const ledger = await open(join(t.testdir(), 'ledger.jsonl'))
  const both = await Promise.allSettled(
    ['one', 'two'].map((cluster) => ledger.admit(headerOf(cluster, { cluster, fencingToken: 1 }), 'ca')),
  )
  t.same(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

t.test('a disk that refuses a line leaves no part of it and does not let memory run ahead', async (t) => {
  const path = join(t.testdir(), 'ledger.jsonl')
  const disk = new FaultyDisk()
  const ledger = new Ledger(await openAppendFile(path, disk), path)
  await ledger.begin(intent('first'))
  const whole = readFileSync(path, 'utf8')
  for (const [call, code] of [
    ['write', 'ENOSPC'],
    ['sync', 'EIO'],
  ] as const) {
    disk.fail(call, code)
    await t.rejects(ledger.begin(intent('a')), { code })
    t.equal(ledger.entry('a'), undefined)
    disk.heal()
    await ledger.admit(headerOf('x', { cluster: call }))
    t.ok(readFileSync(path, 'utf8').startsWith(whole), `${code}: no part of the line stays`)
    t.notMatch(readFileSync(path, 'utf8'), /"id":"a"/)
  }
  await ledger.begin(intent('b'))
  await ledger.close()
  t.ok((await open(path)).entry('b'), 'it goes on when there is room again')
})

t.test('a disk that lets nothing be taken back gets nothing more, until it does', async (t) => {
  const path = join(t.testdir(), 'ledger.jsonl')
  const disk = new FaultyDisk()
  const ledger = new Ledger(await openAppendFile(path, disk), path)
  await ledger.begin(intent('a'))
  disk.fail('write', 'EIO')
  disk.fail('truncate', 'EIO')
  await t.rejects(ledger.begin(intent('b')), { code: 'EIO' })
  disk.heal()
  disk.fail('truncate', 'EROFS')
  await t.rejects(ledger.begin(intent('c')), { code: 'EROFS' }, 'a line behind a torn one would be lost with it')
  disk.heal()
  await ledger.begin(intent('d'))
  await ledger.close()
  const after = await open(path)
  t.same(
    ['a', 'b', 'c', 'd'].map((id) => after.entry(id) !== undefined),
    [true, false, false, true],
  )
})

t.test('damage is named with its line and its place in the file', async (t) => {
  const path = join(t.testdir(), 'ledger.jsonl')
  const ledger = await open(path)
  await ledger.begin(intent('a'))
  await ledger.close()
  const first = readFileSync(path, 'utf8')
  appendFileSync(path, '{"kind":"fen\u0000\n{"kind":"fence","cluster":"a","token":1}\n')
  await t.rejects(open(path), {
    code: 'JOURNAL_DAMAGED',
    message: new RegExp(`line 2 of .*ledger.jsonl, at byte ${first.length},`),
    where: path,
  })
})

const runOf = (number: number): string => `20261122t2215${String(number).padStart(2, '0')}-ab12cd`
const end = { kind: 'result' as const, result: OperationResult.fromPartial({ summary: 'x'.repeat(300) }) }

/** A ledger of 20 runs; of run 3 one operation has no end. */
async function grown(path: string, disk = new FaultyDisk()) {
  const ledger = new Ledger(await openAppendFile(path, disk), path, 2000)
  await ledger.admit(headerOf('f', { fencingToken: 4 }))
  await ledger.admit(headerOf('f', { fencingToken: 7 }))
  await ledger.admit(headerOf('f', { fencingToken: 7 }), 'ca-1')
  for (let run = 0; run < 20; run++) {
    for (const id of [`r${run}-a`, `r${run}-b`]) {
      await ledger.begin({ ...intent(id), header: headerOf(id, { runId: runOf(run) }) })
      if (id !== 'r3-b') await ledger.end(id, end)
    }
  }
  return { ledger, disk }
}

t.test('rotation bounds the file, and forgets no open operation, no new run and no fence', async (t) => {
  const path = join(t.testdir(), 'ledger.jsonl')
  const { ledger, disk } = await grown(path)
  const before = statSync(path).size
  disk.calls.length = 0
  await ledger.compactIfLarge()
  t.same(disk.calls, [
    'open ledger.jsonl',
    'open .ledger.jsonl.quorate-*',
    'write .ledger.jsonl.quorate-*',
    'sync .ledger.jsonl.quorate-*',
    'rename ledger.jsonl',
    ...disk.calls.slice(5),
  ])
  t.match(disk.calls.at(-1), /^sync-folder /, 'the rename is on the disk before anything is appended')
  t.ok(statSync(path).size < before / 2)
  t.equal(disk.afterPowerCut(path), readFileSync(path, 'utf8'))
  const check = (seen: Ledger) => {
    for (let run = 12; run < 20; run++) t.match(seen.entry(`r${run}-a`)?.outcome, { kind: 'result' })
    t.ok(seen.entry('r3-a')?.outcome, 'a run with an open operation is kept whole')
    t.match(seen.entry('r3-b'), { outcome: undefined, run: runOf(3) })
    t.equal(seen.entry('r11-a'), undefined)
    t.ok(seen.hasForgotten(runOf(11)), 'that it is forgotten is remembered')
    t.notOk(seen.hasForgotten(runOf(19)))
  }
  check(ledger)
  await ledger.end('r3-b', end)
  await ledger.close()
  const after = await open(path)
  t.ok(after.entry('r3-b')?.outcome, 'what is appended afterwards is in the new file')
  t.ok(after.hasForgotten(runOf(11)))
  await t.rejects(after.admit(headerOf('z', { fencingToken: 6 })), { code: 'FENCED' })
  await t.rejects(after.admit(headerOf('z', { fencingToken: 6, cluster: 'renamed' }), 'ca-1'), { code: 'FENCED' })
})

t.test('rotation that breaks off anywhere loses nothing', async (t) => {
  for (const [call, of] of [
    ['open', /quorate-/],
    ['write', /quorate-/],
    ['sync', /quorate-/],
    ['rename', /./],
    ['sync-folder', /./],
  ] as const) {
    const path = join(t.testdir(), 'ledger.jsonl')
    const { ledger, disk } = await grown(path)
    disk.fail(call, 'EIO', of)
    await t.rejects(ledger.compactIfLarge(), { code: 'EIO' }, call)
    const cut = new Ledger(await openAppendFile(writtenTo(t, disk.afterPowerCut(path))), path)
    t.match(cut.entry('r19-b'), { outcome: end }, `${call}: after a power cut`)
    t.match(cut.entry('r3-b'), { outcome: undefined })
    if (call === 'sync-folder') {
      await t.rejects(ledger.end('r3-b', end), { code: 'EIO' }, 'a power cut could still bring the old file back')
    }
    disk.heal()
    await ledger.end('r3-b', end)
    t.match(disk.afterPowerCut(path), /"id":"r3-b","summary"/, `${call}: what is confirmed afterwards stays`)
    await ledger.close()
    t.same(readdirSync(join(path, '..')), ['ledger.jsonl'], 'no temporary file stays')
  }
})

function writtenTo(t: Test, text: string | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'ledger.jsonl'), text ?? '')
  return join(folder, 'ledger.jsonl')
}
