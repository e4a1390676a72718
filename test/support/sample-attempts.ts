import type { RecordedEvent, RunEvent } from '@quorate/coordinator/engine/events'
import { foldRun, type RunState } from '@quorate/coordinator/engine/fold'

const action = (node: string, does: string) => ({ id: node, node, does, diffs: [] })
const [point, join] = [action('w1', 'point it'), action('cp2', 'join')]
const step = 'join-control-planes'
const error = { code: 'GATE_TIMEOUT', message: 'cp2 did not report', where: 'cp2', remedy: 'look at it' }
const second = { ...error, message: 'the agent of cp2 was away' }

const start: RunEvent = {
  kind: 'run-started',
  cluster: 'prod',
  planHash: 'hash',
  fencingToken: 1,
  version: '1.2.3',
  clusterFile: '',
  ignored: {},
  steps: [
    { id: 'rewrite-worker-kubeconfigs', title: 'Point the workers', actions: [point] },
    { id: step, title: 'Join', actions: [join] },
  ],
}
const resume: RunEvent = {
  kind: 'run-resumed',
  planHash: 'hash',
  fencingToken: 2,
  version: '1.2.3',
  steps: [{ id: step, title: 'Join', actions: [join] }],
  differences: [],
}
const interrupted: RunEvent = {
  kind: 'run-ended',
  outcome: 'interrupted',
  error: { code: 'INTERRUPTED', message: 'stopped before: Join', where: 'prod', remedy: 'resume it' },
}
const tried: readonly RunEvent[] = [
  { kind: 'step-started', step, title: 'Join', actions: [join] },
  { kind: 'action-started', step, action: join },
]
const failedWith = (why: typeof error): readonly RunEvent[] => [
  resume,
  ...tried,
  { kind: 'action-failed', step, action: 'cp2', node: 'cp2', error: why },
  { kind: 'run-ended', outcome: 'failed', error: why },
]
const pointed: readonly RunEvent[] = [
  { kind: 'step-started', step: 'rewrite-worker-kubeconfigs', title: 'Point the workers', actions: [point] },
  { kind: 'action-started', step: 'rewrite-worker-kubeconfigs', action: point },
  { kind: 'action-verified', step: 'rewrite-worker-kubeconfigs', action: 'w1', node: 'w1', evidence: [] },
  { kind: 'step-done', step: 'rewrite-worker-kubeconfigs' },
]
const joined: readonly RunEvent[] = [
  { kind: 'action-verified', step, action: 'cp2', node: 'cp2', evidence: [] },
  { kind: 'step-done', step },
]

const [minute, hour] = [60_000, 3_600_000]
export const began = Date.UTC(2026, 10, 22, 22)

/** A run of attempts, each with the time that passes before it; one event a second. */
export function runOfAttempts(...attempts: readonly { after: number; events: readonly RunEvent[] }[]): RunState {
  let next = began
  const recorded = attempts.flatMap(({ after, events }) => {
    const from = next + after
    next = from + events.length * 1_000
    return events.map((event, index) => ({ at: from + index * 1_000, event }))
  })
  return foldRun(recorded.map((one, index): RecordedEvent => ({ ...one, seq: index + 1, run: 'r1' })))
}

export const attempts = {
  interrupted: { after: 0, events: [start, ...pointed, interrupted] },
  failed: { after: 30 * minute, events: failedWith(error) },
  failedAgain: { after: 5 * minute, events: failedWith(second) },
  /** Its process was killed: it wrote no end. */
  killed: { after: minute, events: [resume, ...tried] },
  done: { after: 9 * hour, events: [resume, ...tried, ...joined, { kind: 'run-ended', outcome: 'done' }] },
  rolledBack: {
    after: minute,
    events: [
      { kind: 'rollback-started', fencingToken: 3, version: '1.2.3', keepEndpoint: false },
      { kind: 'undo-started', step: 'rewrite-worker-kubeconfigs', action: 'w1', node: 'w1' },
      { kind: 'action-undone', step: 'rewrite-worker-kubeconfigs', action: 'w1', node: 'w1', evidence: [] },
      { kind: 'run-rolled-back', outcome: 'done' },
    ],
  },
} satisfies Record<string, { after: number; events: readonly RunEvent[] }>

/** Interrupted once, failed twice, then resumed to its end: 17 seconds of work in half a day. */
export const hardWon = (): RunState =>
  runOfAttempts(attempts.interrupted, attempts.failed, attempts.failedAgain, attempts.done)
