import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@quorate/shared/clock'
import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { parseRunId } from '@quorate/shared/names'
import t from 'tap'
import type { RecordedEvent, RunEvent } from '../../../../coordinator/src/engine/events.js'
import { fileDoor, type JournalDoor } from '../../../../coordinator/src/engine/journal-file.js'
import { runStore } from '../../../../coordinator/src/engine/run-store.js'
import { processOf, start, ToyWorld } from '../../../support/toy-order.js'

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

t.test('a run that was refused before its first event is none', async (t) => {
  const { store } = await written(t, [])
  t.same(await store.list(), [])
})

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
  // Each is answered: one that hung would let the program end as if all was well.
  for (let more = 0; more < 3; more++) await t.rejects(journal.append(ended), { code: 'INTERNAL' })
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

/** The real files, with a record of when what was written is safe. */
function watchedDoor(log: string[], sync: 'fsync' | 'broken' = 'fsync'): JournalDoor {
  const watch = (file: Awaited<ReturnType<JournalDoor['create']>>) => ({
    ...file,
    async append(text: string) {
      await file.append(text)
      for (const line of text.trimEnd().split('\n')) {
        const { event } = JSON.parse(line).record
        if (event.kind === 'operation-sent') log.push(`written ${event.operationId}`)
      }
    },
    async sync() {
      if (sync === 'broken') throw new Error('EIO: i/o error, fdatasync')
      await file.sync()
      log.push('fsync')
    },
  })
  return {
    create: async (path) => watch(await fileDoor.create(path)),
    reopen: async (path, bytes) => watch(await fileDoor.reopen(path, bytes)),
    syncFolder: async (path) => {
      await fileDoor.syncFolder(path)
      log.push('fsync folder')
    },
  }
}

class WatchedWorld extends ToyWorld {
  readonly log: string[]
  constructor(log: string[]) {
    super()
    this.log = log
  }
  override change(...args: Parameters<ToyWorld['change']>) {
    this.log.push(`send ${args[0].operationId}`)
    return super.change(...args)
  }
}

t.test('an intent is written and fsynced before it is sent, and the file has its name before that', async (t) => {
  const log: string[] = []
  const journal = await runStore(join(t.testdir(), 'runs'), systemClock, watchedDoor(log)).create(id)
  const world = new WatchedWorld(log)
  const { outcome } = await start(world, {
    ...processOf([]),
    emit: async (event) => void (await journal.append(event)),
  })
  await journal.close()
  t.equal(outcome?.outcome, 'done')
  t.equal(log[0], 'fsync folder')
  const sends = log.flatMap((line, index) => (line.startsWith('send ') ? [{ operation: line.slice(5), index }] : []))
  t.ok(sends.length > 10)
  for (const { operation, index } of sends) {
    const written = log.indexOf(`written ${operation}`)
    const safe = log.indexOf('fsync', written)
    if (written === -1 || safe === -1 || safe > index)
      t.fail(`sent at ${index}, written at ${written}, safe at ${safe}`)
  }
})

t.test('with a disk that cannot fsync nothing is sent', async (t) => {
  const log: string[] = []
  const journal = await runStore(join(t.testdir(), 'runs'), systemClock, watchedDoor(log, 'broken')).create(id)
  const world = new WatchedWorld(log)
  const { outcome } = await start(world, {
    ...processOf([]),
    emit: async (event) => void (await journal.append(event)),
  })
  t.match(outcome, { outcome: 'failed', error: { message: /EIO/, remedy: /quorate resume 20261122t221530-ab12cd/ } })
  t.same(
    log.filter((line) => line.startsWith('send')),
    [],
  )
})

t.test('a journal that was cut in the middle of a line is gone on with: the chain holds over the cut', async (t) => {
  const { store, path } = await written(t, [progress('1'), progress('2')])
  truncateSync(path, readFileSync(path).length - 5)
  const { journal, events } = await store.reopen(id)
  t.equal(events.length, 1)
  t.match(await journal.append({ kind: 'step-done', step: 's' }), { seq: 2 })
  await journal.append(ended)
  await journal.close()
  t.same(
    (await store.read(id)).map(({ event }) => event.kind),
    ['progress', 'step-done', 'run-ended'],
  )
})

t.test('a damaged journal is not gone on with', async (t) => {
  const { store, path } = await written(t, [progress('one'), progress('two')])
  writeFileSync(path, readFileSync(path, 'utf8').replace('"one"', '"ONE"'))
  await t.rejects(store.reopen(id), { code: 'JOURNAL_DAMAGED' })
})
