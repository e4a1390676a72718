import type { RecordedEvent, RunEvent } from '@quorate/coordinator/engine/events'
import t from 'tap'
import { gatesAlone } from '../../../bench/gates-alone.js'

const step = 'rewrite-worker-kubeconfigs'
const place = (action: string) => ({ step, action, node: action })
const sent = (action: string): RunEvent => ({
  ...{ kind: 'operation-sent', ...place(action), operationId: action, label: 'restart', method: 'restartKubelet' },
  attempt: 1,
})
const done = (action: string): RunEvent => ({
  ...{ kind: 'operation-done', ...place(action), operationId: action, label: 'restart' },
  result: { unchanged: false, facts: {}, diffs: [], backups: [] } as never,
})
const verified = (action: string): RunEvent => ({ kind: 'action-verified', ...place(action), evidence: [] })
const seen = { place: 'w1', target: 'write', from: 0, to: 1, asked: 1, failed: 0, longestGapMs: 0, outages: [] }

const journal = (...events: readonly (readonly [number, RunEvent])[]): RecordedEvent[] =>
  events.map(([at, event], index) => ({ seq: index + 1, at: 1_000 + at, run: 'r', event }))

t.test('only what is waited for alone counts: a gate beside an operation costs nothing', async (t) => {
  const time = gatesAlone(
    journal(
      [0, { kind: 'run-resumed', planHash: '', fencingToken: 1, version: '', steps: [], differences: [] }],
      [10, { kind: 'step-started', step, title: '', actions: [] }],
      [10, sent('w1')],
      [20, sent('w2')],
      [50, done('w1')],
      [90, verified('w1')],
      [110, done('w2')],
      [112, { kind: 'availability', during: step, ...seen }],
      [140, verified('w2')],
      [140, { kind: 'step-done', step }],
      [145, { kind: 'run-ended', outcome: 'done' }],
      [900, { kind: 'run-resumed', planHash: '', fencingToken: 2, version: '', steps: [], differences: [] }],
    ),
  )
  t.equal(time.totalMs, 145)
  t.equal(time.operationsMs, 100, 'both together, not each')
  t.same(
    [...time.aloneMs],
    [
      ['the begin', 0],
      [step, 40],
      ['the end', 5],
    ],
  )
})

t.test('an operation that failed is over, and an empty journal has no time', async (t) => {
  const error = { code: 'COMMAND_FAILED', message: '', where: '', remedy: '' }
  const failed: RunEvent = { kind: 'operation-failed', ...place('w1'), label: 'restart', operationId: 'w1', error }
  const time = gatesAlone(
    journal([0, sent('w1')], [30, failed], [45, { kind: 'action-failed', ...place('w1'), error }]),
  )
  t.match(time, { totalMs: 45, operationsMs: 30 })
  t.match(gatesAlone([]), { totalMs: 0, operationsMs: 0 })
})
