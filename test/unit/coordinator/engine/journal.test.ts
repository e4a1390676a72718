import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { parseRunId } from '@quorate/shared/names'
import t from 'tap'
import type { RecordedEvent, RunEvent } from '../../../../coordinator/src/engine/events.js'
import { runStore } from '../../../../coordinator/src/engine/run-store.js'

const id = parseRunId('20261122t221530-ab12cd')
const progress = (message: string): RunEvent => ({ kind: 'progress', step: 's', action: 'a', node: 'n', message })
const ended: RunEvent = { kind: 'run-ended', outcome: 'done' }

async function written(t: { testdir(): string }, events: readonly RunEvent[]) {
  const folder = join(t.testdir(), 'runs')
  const store = runStore(folder)
  const journal = await store.create(id)
  await Promise.all(events.map((event) => journal.append(event)))
  await journal.close()
  return { store, path: join(folder, `${id}.jsonl`) }
}

t.test('keeps the order of the calls, numbers without gaps, only its owner may read it', async (t) => {
  const { store, path } = await written(t, [progress('1'), { kind: 'step-done', step: 's' }, progress('3'), ended])
  const events = await store.read(id)
  t.same(
    events.map(({ seq, run, event }) => [seq, run, event.kind]),
    [
      [1, id, 'progress'],
      [2, id, 'step-done'],
      [3, id, 'progress'],
      [4, id, 'run-ended'],
    ],
  )
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.same(await store.list(), [id])
  await t.rejects(store.create(id), { code: 'EEXIST' }, 'a run is never written over')
})

t.test('sealed secrets do not reach the file', async (t) => {
  const result = OperationResult.fromPartial({
    summary: 'sealed',
    sealed: [{ node: 'n', ciphertext: Buffer.from('cipher') }],
  })
  const { store } = await written(t, [
    { kind: 'operation-done', step: 's', action: 'a', node: 'n', label: 'l', operationId: 'o', result },
  ])
  t.match(await store.read(id), [{ event: { result: { summary: 'sealed', sealed: [] } } }])
})

t.test('a torn last line is as if it had not been written', async (t) => {
  const { store, path } = await written(t, [progress('1'), progress('2')])
  const whole = readFileSync(path)
  const first = whole.indexOf(10) + 1
  for (const size of [first + 1, first + 40, whole.length - 1]) {
    writeFileSync(path, whole)
    truncateSync(path, size)
    t.equal((await store.read(id)).length, 1, `cut at ${size}`)
  }
  writeFileSync(path, whole)
  appendFileSync(path, Buffer.alloc(100)) // what a power-cut may leave: length without content
  t.equal((await store.read(id)).length, 2)
})

t.test('any other damage is named with its place', async (t) => {
  const { store, path } = await written(t, [progress('one'), progress('two'), progress('three')])
  const whole = readFileSync(path, 'utf8')
  const lines = whole.split('\n')
  const second = Buffer.byteLength(`${lines[0]}\n`)
  const damages: Record<string, string> = {
    'a changed word': whole.replace('"two"', '"TWO"'),
    'a line taken out': `${lines[0]}\n${lines[2]}\n`,
    'two lines swapped': `${lines[0]}\n${lines[2]}\n${lines[1]}\n`,
    'a line twice': `${lines[0]}\n${lines[0]}\n`,
    'text that is no JSON': `${lines[0]}\nhello\n${lines[1]}\n`,
    'a record that is null': `${lines[0]}\n{"prev":"","hash":"","record":null}\n`,
  }
  for (const [name, text] of Object.entries(damages)) {
    writeFileSync(path, text)
    await t.rejects(
      store.read(id),
      { code: 'JOURNAL_DAMAGED', message: new RegExp(`at byte ${second},`), where: path },
      name,
    )
  }
  writeFileSync(path, whole.replace('"one"', '"ONE"'))
  await t.rejects(store.read(id), { code: 'JOURNAL_DAMAGED', message: /record 1, at byte 0/ })
})

t.test("another run's records are not this run's", async (t) => {
  const { path } = await written(t, [progress('1')])
  const other = parseRunId('20261122t221530-ffffff')
  writeFileSync(join(path, '..', `${other}.jsonl`), readFileSync(path))
  await t.rejects(runStore(join(path, '..')).read(other), { code: 'JOURNAL_DAMAGED' })
  await t.rejects(runStore(join(path, '..')).read(parseRunId('20261122t221530-000000')), { code: 'RUN_NOT_FOUND' })
})

t.test('after a write that failed nothing more is accepted', async (t) => {
  const store = runStore(join(t.testdir(), 'runs'))
  const journal = await store.create(id)
  await journal.append(progress('1'))
  await journal.close()
  await t.rejects(journal.append(ended), { code: 'INTERNAL', message: /journal could not be written/ })
  await t.rejects(journal.append(ended), { code: 'INTERNAL' })
})

t.test('following brings what is written meanwhile, from where the reader stands, and ends with the run', async (t) => {
  const store = runStore(join(t.testdir(), 'runs'))
  const journal = await store.create(id)
  await journal.append(progress('1'))
  await journal.append(progress('2'))
  const seen: RecordedEvent[] = []
  const following = (async () => {
    for await (const event of store.follow(id, {
      after: 1,
      signal: new AbortController().signal,
      goesOn: async () => true,
    })) {
      seen.push(event)
      if (event.seq === 2) await journal.append(progress('3'))
      if (event.seq === 3) await journal.append(ended)
    }
  })()
  await following
  await journal.close()
  t.same(
    seen.map(({ seq }) => seq),
    [2, 3, 4],
  )
})

t.test('following ends when the coordinator is gone, or the reader', async (t) => {
  const store = runStore(join(t.testdir(), 'runs'))
  const journal = await store.create(id)
  await journal.append(progress('1'))
  await journal.close()
  const count = async (signal: AbortSignal, goesOn: () => Promise<boolean>) => {
    let events = 0
    for await (const _ of store.follow(id, { after: 0, signal, goesOn })) events += 1
    return events
  }
  t.equal(await count(new AbortController().signal, async () => false), 1)
  t.equal(await count(AbortSignal.timeout(50), async () => true), 1)
})
