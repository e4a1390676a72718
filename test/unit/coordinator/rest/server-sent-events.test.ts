import type { RecordedEvent } from '@quorate/coordinator/engine/events'
import { serverSentEvents } from '@quorate/coordinator/rest/context/server-sent-events'
import t from 'tap'

const event = (seq: number): RecordedEvent => ({ seq, at: 0, run: 'r', event: { kind: 'step-done', step: 's' } })

t.test('a quiet stream stays alive by comments, and loses no event to them', async (t) => {
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  async function* events() {
    yield event(1)
    await held
    yield event(2)
  }
  const seen: string[] = []
  for await (const text of serverSentEvents(events(), { signal: new AbortController().signal, quietMs: 5 })) {
    seen.push(text)
    if (seen.filter((each) => each === ': quiet\n\n').length === 2) release()
  }
  t.same(
    seen.filter((each) => each.startsWith('id:')).map((each) => each.split('\n')[0]),
    ['id: 1', 'id: 2'],
  )
})

t.test('who stops reading stops the source', async (t) => {
  let stopped = false
  async function* events() {
    try {
      for (let seq = 1; ; seq += 1) yield event(seq)
    } finally {
      stopped = true
    }
  }
  for await (const text of serverSentEvents(events(), { signal: new AbortController().signal }))
    if (text.startsWith('id: 3')) break
  t.ok(stopped)
})
