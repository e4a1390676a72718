import { progressView } from '@quorate/coordinator/cli/progress-view'
import { QuorateError } from '@quorate/shared/errors'
import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import t from 'tap'
import { duration } from '../../../../coordinator/src/cli/render/duration.js'
import { errorJson, errorText } from '../../../../coordinator/src/cli/render/error.js'
import { frame } from '../../../../coordinator/src/cli/render/frame.js'
import { nodesText } from '../../../../coordinator/src/cli/render/nodes.js'
import { planText } from '../../../../coordinator/src/cli/render/plan.js'
import { eventLine } from '../../../../coordinator/src/cli/render/run-lines.js'
import { runText } from '../../../../coordinator/src/cli/render/runs.js'
import { makeStyle, printable } from '../../../../coordinator/src/cli/render/style.js'
import type { Terminal } from '../../../../coordinator/src/cli/terminal.js'
import type { AvailabilityRecord, RecordedEvent, RunEvent } from '../../../../coordinator/src/engine/events.js'
import { applyEvent, foldRun } from '../../../../coordinator/src/engine/fold.js'

const style = makeStyle(false)
const start = Date.UTC(2026, 10, 22, 22, 15, 30)
const action = (node: string) => ({ id: node, node, does: 'point kubelet.conf at the endpoint', diffs: [] })
const workers = ['w1', 'w2', 'w3', 'w4', 'w5'].map(action)
const error = {
  code: 'GATE_TIMEOUT',
  message: 'waited 120 s for the lease',
  where: 'w2',
  remedy: 'look at the kubelet',
}

/** Events of one run, a second apart. */
function recorded(events: readonly RunEvent[]): RecordedEvent[] {
  return events.map((event, index) => ({
    seq: index + 1,
    at: start + index * 1000,
    run: '20261122t221530-ab12cd',
    event,
  }))
}

const story: readonly RunEvent[] = [
  {
    kind: 'run-started',
    cluster: 'prod',
    planHash: 'h',
    fencingToken: 1,
    version: '1',
    clusterFile: '',
    ignored: {},
    steps: [
      { id: 'back-up-files', title: 'Back up files', actions: [] },
      { id: 'first', title: 'Rewrite the first kubelet', actions: [action('cp1')] },
      { id: 'workers', title: 'Rewrite the workers', actions: workers },
      { id: 'prove', title: 'Prove it', actions: [action('cp1')] },
    ],
  },
  { kind: 'step-skipped', step: 'back-up-files', title: 'Back up files' },
  { kind: 'step-started', step: 'first', title: 'Rewrite the first kubelet', actions: [action('cp1')] },
  { kind: 'action-started', step: 'first', action: action('cp1') },
  {
    kind: 'operation-done',
    step: 'first',
    action: 'cp1',
    node: 'cp1',
    label: 'x',
    operationId: 'o1',
    result: OperationResult.fromPartial({ summary: 'rewrote it' }),
  },
  { kind: 'action-verified', step: 'first', action: 'cp1', node: 'cp1', evidence: [{ what: 'lease', saw: 'renewed' }] },
  { kind: 'step-done', step: 'first' },
  { kind: 'step-started', step: 'workers', title: 'Rewrite the workers', actions: workers },
  { kind: 'action-started', step: 'workers', action: action('w1') },
  { kind: 'action-verified', step: 'workers', action: 'w1', node: 'w1', evidence: [] },
  { kind: 'action-started', step: 'workers', action: action('w2') },
  { kind: 'action-started', step: 'workers', action: action('w3') },
  { kind: 'progress', step: 'workers', action: 'w2', node: 'w2', message: 'waiting for\nthe lease \u001b[2J' },
]
const failure: readonly RunEvent[] = [
  { kind: 'action-failed', step: 'workers', action: 'w2', node: 'w2', error },
  { kind: 'undo-failed', step: 'workers', action: 'w2', node: 'w2', error: { ...error, message: 'no backup' } },
  { kind: 'run-ended', outcome: 'failed', error },
]

t.test('the live frame: what is done, what runs on which node for how long, what is next', async (t) => {
  const size = { columns: 80, rows: 24 }
  t.same(frame(foldRun(recorded(story)), start + 20_000, { size, style }), [
    'prod  run 20261122t221530-ab12cd  2 of 4 steps  20 s',
    '  – Back up files: no change needed',
    '  ✓ Rewrite the first kubelet  4.0 s',
    '  ▸ Rewrite the workers  1 of 5  13 s',
    '      w2  10 s  waiting for the lease [2J',
    '      w3  9.0 s  point kubelet.conf at the endpoint',
    '  · next: Prove it',
  ])
  t.same(frame(foldRun(recorded([...story, ...failure])), start + 99_000, { size, style }).slice(3), [
    '  ✗ Rewrite the workers  1 of 5  6.0 s',
    '      w2: could not be undone: no backup',
    '      w3  1 min 28 s  point kubelet.conf at the endpoint',
    '  · next: Prove it',
  ])
})

t.test('the frame never outgrows the terminal', async (t) => {
  const state = foldRun(
    recorded([
      ...story,
      ...['w4', 'w5'].map((node): RunEvent => ({ kind: 'action-started', step: 'workers', action: action(node) })),
    ]),
  )
  for (const rows of [5, 6, 7, 8, 10]) {
    for (const columns of [10, 20, 40]) {
      const lines = frame(state, start + 20_000, { size: { columns, rows }, style })
      t.ok(lines.length <= rows - 1, `${lines.length} lines in ${rows} rows`)
      t.ok(lines.every((line) => [...line].length < columns))
    }
  }
  t.match(frame(state, start, { size: { columns: 80, rows: 6 }, style }).join('\n'), /and \d+ more nodes/)
})

t.test('plain lines for a pipe', async (t) => {
  let state = foldRun([])
  const lines = recorded([...story, ...failure]).flatMap((event) => {
    state = applyEvent(state, event)
    return eventLine(event, state) ?? []
  })
  t.equal(
    lines.join(''),
    `22:15:30Z run 20261122t221530-ab12cd of prod: 4 steps
22:15:31Z [ 1/4] back-up-files: no change needed
22:15:32Z [ 2/4] first: Rewrite the first kubelet (1 action)
22:15:33Z [ 2/4] first: cp1: point kubelet.conf at the endpoint
22:15:34Z [ 2/4] first: cp1: rewrote it
22:15:35Z [ 2/4] first: cp1: verified: lease: renewed
22:15:36Z [ 2/4] first: done, 4.0 s
22:15:37Z [ 3/4] workers: Rewrite the workers (5 actions)
22:15:38Z [ 3/4] workers: w1: point kubelet.conf at the endpoint
22:15:39Z [ 3/4] workers: w1: verified
22:15:40Z [ 3/4] workers: w2: point kubelet.conf at the endpoint
22:15:41Z [ 3/4] workers: w3: point kubelet.conf at the endpoint
22:15:42Z [ 3/4] workers: w2: waiting for the lease [2J
22:15:43Z [ 3/4] workers: w2: FAILED: waited 120 s for the lease. look at the kubelet
22:15:44Z [ 3/4] workers: w2: COULD NOT BE UNDONE: no backup. look at the kubelet
22:15:45Z run 20261122t221530-ab12cd ended: failed, 15 s: waited 120 s for the lease
`,
  )
})

/** A live terminal of 80 columns that nobody types on. */
const screenOf = (out: (text: string) => void): Terminal => ({
  out,
  err: () => {},
  live: true,
  coloured: false,
  canAsk: true,
  size: () => ({ columns: 80, rows: 24 }),
  ask: async () => '',
  askSecret: async () => '',
})

t.test('on a terminal the last frame is erased before the next', async (t) => {
  let screen = ''
  const view = progressView(
    screenOf((text) => {
      screen += text
    }),
    'text',
  )
  for (const event of recorded(story)) view.show(event)
  view.say('Stopping.')
  view.end()
  const [toLineEnd, below] = ['\u001b[K', '\u001b[J']
  const drawn = screen.split('\u001b[7A')
  t.equal(drawn.length, 2, 'seven lines were drawn, and seven are written again')
  t.ok(drawn[0]?.startsWith(`Stopping.${toLineEnd}\nprod  run`))
  t.ok(drawn[1]?.startsWith('prod  run'), 'in the same place')
  t.ok(
    drawn[1]
      ?.split('\n')
      .slice(0, -1)
      .every((line) => line.endsWith(toLineEnd)),
  )
  t.equal(screen.split(below).length, 2)
  t.ok(screen.endsWith(`\n${below}`), 'below the last line alone: of a screen that is erased terminals keep a copy')
})

t.test('a request that failed is on the screen although the step has not ended', async (t) => {
  let screen = ''
  let seenNow: AvailabilityRecord[] = []
  const seen = { during: 'first', place: 'cp1', target: 'cp1', from: 1, to: 2, longestGapMs: 60, outages: [] }
  const view = progressView(
    screenOf((text) => {
      screen += text
    }),
    'text',
    { seenNow: async (run) => (run === recorded(story)[0]?.run ? seenNow : []) },
  )
  const shown = async (line: RegExp) => {
    screen = ''
    await new Promise((resolve) => setTimeout(resolve, 900))
    t.match(screen, line)
  }
  for (const event of recorded(story.slice(0, 4))) view.show(event)
  seenNow = [{ ...seen, asked: 20, failed: 0 }]
  await shown(/API: 20 reads ok, 0 failed/)
  seenNow = [{ ...seen, asked: 24, failed: 3 }]
  await shown(/API: 21 reads ok, 3 failed/)
  view.show({
    seq: 5,
    at: start,
    run: recorded(story)[0]?.run ?? '',
    event: { kind: 'availability', ...seen, asked: 25, failed: 3 },
  })
  view.end()
  const [last] = screen.split('\n').slice(-2)
  t.match(last, /API: 22 reads ok, 3 failed, longest gap 60 ms/, 'counted once')
})

t.test('status of one run says what failed and what to do', async (t) => {
  const text = runText(foldRun(recorded([...story, ...failure])), start + 99_000, style)
  t.equal(
    text,
    `Run 20261122t221530-ab12cd of prod: failed, started 2026-11-22 22:15:30Z, 15 s
  STATE    STEP           TOOK
  skipped  back-up-files
  done     first          4.0 s
  failed   workers        7.0 s
  waiting  prove

  workers on w2: undo-failed: no backup
  workers on w3: running: point kubelet.conf at the endpoint

w2: waited 120 s for the lease
  next: look at the kubelet
`,
  )
})

t.test('a plan shows findings, steps with diffs, the points of no return, the time and the hash', async (t) => {
  const text = planText(
    {
      cluster: 'prod',
      endpoint: { host: 'apiserver.example.com', port: 8443 },
      approvals: 0,
      clusterFileHash: 'def',
      blocked: false,
      hash: 'abc',
      estimateSeconds: 75,
      elsewhere: ['On each laptop: kubectl config set-cluster kubernetes --server=https://x:8443'],
      noWayBack: ['Between the second and the third voter a dead node stops etcd.'],
      missing: [],
      choices: ['1.34: the kubelet stays, because of the upgrade'],
      findings: [
        {
          id: 'swap',
          severity: 'warning',
          node: 'w1',
          message: 'swap is on',
          evidence: '/swapfile',
          remedy: 'swapoff -a',
        },
      ],
      steps: [
        { id: 'a', title: 'Back up', actions: [] },
        {
          id: 'b',
          title: 'Point it',
          actions: [
            {
              ...action('w1'),
              diffs: [
                { name: 'w1:/f', text: '--- w1:/f\n+++ w1:/f\n-old\n+new\n' },
                { name: 'w1:/pki', text: '' },
              ],
            },
          ],
        },
      ],
    },
    style,
  )
  t.equal(
    text,
    `Findings
  warning swap on w1
          swap is on
          seen: /swapfile
          next: swapoff -a

Chosen
  1.34: the kubelet stays, because of the upgrade

The plan for prod
 1. Back up: no change needed
 2. Point it (b)
      w1: point kubelet.conf at the endpoint
        --- w1:/f
        +++ w1:/f
        -old
        +new
        w1:/pki

Point of no return
  Between the second and the third voter a dead node stops etcd.

Afterwards, elsewhere
  On each laptop: kubectl config set-cluster kubernetes --server=https://x:8443

1 action in about 1 min 15 s. Nothing was changed yet.
Plan hash abc
`,
  )
})

t.test('nodes show until when certificates are valid, and warn two weeks before', async (t) => {
  const node = (name: string, days: number) => ({
    name,
    address: `${name}:7445`,
    reachable: true,
    agentVersion: '1',
    kubernetesVersion: 'v1.34.1',
    clockOffsetMs: 3,
    certificateExpiresAt: start + days * 86_400_000,
  })
  t.equal(
    nodesText([node('cp1', 15), node('cp2', 14.5), node('cp3', -2)], start, style),
    `NAME  ADDRESS   REACHABLE  AGENT  KUBERNETES  CLOCK OFFSET MS  CERTIFICATE UNTIL
cp1   cp1:7445  yes        1      v1.34.1     3                2026-12-07
cp2   cp2:7445  yes        1      v1.34.1     3                2026-12-07
cp3   cp3:7445  yes        1      v1.34.1     3                2026-11-20

cp2: the certificate of its agent expires in 14 days
  next: quorate renew cp2

cp3: the certificate of its agent has expired
  next: quorate renew cp3
`,
  )
})

t.test('nodes show which list of revoked keys they have, once there is one', async (t) => {
  const known = { address: 'a:7445', reachable: true, certificateExpiresAt: start + 100 * 86_400_000 }
  const shown = nodesText(
    [
      { name: 'cp1', ...known, denyList: 3 },
      { name: 'cp2', ...known },
    ],
    start,
    style,
  )
  t.match(shown, /CERTIFICATE UNTIL +DENY LIST\ncp1 .* 3\ncp2 .* -\n$/)
})

t.test('an error says what, where and what to do next', async (t) => {
  const thrown = new QuorateError('INTERNAL', 'it\u001b[31m broke', {
    where: 'w1',
    remedy: 'call us',
    correlationId: 'c1',
  })
  t.equal(
    errorText(thrown, style),
    'error: it[31m broke\n  where: w1\n  next:  call us\n  code:  INTERNAL (correlation id c1)\n',
  )
  t.match(JSON.parse(errorJson(thrown)), { error: { code: 'INTERNAL', exitCode: 1, correlationId: 'c1' } })
})

t.test('durations', async (t) => {
  t.same([0, 940, 9_940, 9_960, 59_400, 59_600, 3_599_000, 3_720_000].map(duration), [
    '0.0 s',
    '0.9 s',
    '9.9 s',
    '10 s',
    '59 s',
    '1 min 0 s',
    '59 min 59 s',
    '1 h 2 min',
  ])
})

t.test('what cannot be seen is written out, what steers a terminal is not', async (t) => {
  t.equal(
    printable('server: https://\u202emoc.elpmaxe\u2066:6443\u200f'),
    'server: https://\\u{202e}moc.elpmaxe\\u{2066}:6443\\u{200f}',
  )
  t.equal(printable('\uFEFFa\u00adb\u2028c\ud800d\u{e0041}'), '\\u{feff}a\\u{ad}b\\u{2028}c\\u{d800}d\\u{e0041}')
  t.equal(printable('\u001b[2Jx\ty\n\u0085\r'), '[2Jx\ty\n')
  t.equal(printable('für 東京 👍'), 'für 東京 👍')
})
