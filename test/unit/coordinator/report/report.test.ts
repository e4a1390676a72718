import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import t from 'tap'
import type { RecordedEvent, RunEvent } from '../../../../coordinator/src/engine/events.js'
import { foldRun } from '../../../../coordinator/src/engine/fold.js'
import { reportHtml } from '../../../../coordinator/src/report/html/page.js'
import { makeReport } from '../../../../coordinator/src/report/run-report.js'
import { reportText } from '../../../../coordinator/src/report/text.js'
import { sampleReport } from '../../../support/sample-report.js'

const action = (node: string, does: string) => ({ id: node, node, does, diffs: [] })
const [backup, rewrite, proof] = [action('cp1', 'copy files'), action('w1', 'point it'), action('cp1', 'prove it')]
const error = { code: 'GATE_TIMEOUT', message: 'waited', where: 'w1', remedy: 'look' }
const touched = [{ name: '/etc/kubernetes/kubelet.conf', sha256Before: 'a'.repeat(64), sha256After: 'b'.repeat(64) }]

const begin: RunEvent = {
  kind: 'run-started',
  cluster: 'prod',
  planHash: 'hash',
  fencingToken: 1,
  version: '1.2.3',
  clusterFile: '',
  ignored: { swap: 'test machine' },
  steps: [
    { id: 'back-up-files', title: 'Back up', actions: [backup] },
    { id: 'rewrite-worker-kubeconfigs', title: 'Rewrite', actions: [rewrite] },
    { id: 'prove-ha', title: 'Prove', actions: [proof] },
  ],
}
const backedUp: RunEvent[] = [
  { kind: 'step-started', step: 'back-up-files', title: 'Back up', actions: [backup] },
  { kind: 'action-started', step: 'back-up-files', action: backup },
  {
    kind: 'action-verified',
    step: 'back-up-files',
    action: 'cp1',
    node: 'cp1',
    evidence: [
      { what: 'cp1:/etc/hosts', saw: `sha256 ${'c'.repeat(64)}` },
      { what: 'kept as /state/x.age', saw: '7 bytes' },
    ],
  },
  { kind: 'step-done', step: 'back-up-files' },
]
const rewritten: RunEvent[] = [
  { kind: 'step-started', step: 'rewrite-worker-kubeconfigs', title: 'Rewrite', actions: [rewrite] },
  { kind: 'action-started', step: 'rewrite-worker-kubeconfigs', action: rewrite },
  {
    kind: 'operation-done',
    step: 'rewrite-worker-kubeconfigs',
    action: 'w1',
    node: 'w1',
    label: 'rewrite',
    operationId: 'o1',
    result: OperationResult.fromPartial({ summary: 'rewrote', touched, facts: { serial: '0A', other: 'x' } }),
  },
]
const proved: RunEvent[] = [
  {
    kind: 'action-verified',
    step: 'rewrite-worker-kubeconfigs',
    action: 'w1',
    node: 'w1',
    evidence: [{ what: 'lease of w1', saw: 'renewed' }],
  },
  { kind: 'step-done', step: 'rewrite-worker-kubeconfigs' },
  { kind: 'step-started', step: 'prove-ha', title: 'Prove', actions: [proof] },
  { kind: 'action-started', step: 'prove-ha', action: proof },
  {
    kind: 'action-verified',
    step: 'prove-ha',
    action: 'cp1',
    node: 'cp1',
    evidence: [{ what: 'etcd member cp1', saw: 'votes' }],
  },
  { kind: 'step-done', step: 'prove-ha' },
  { kind: 'run-ended', outcome: 'done' },
]
const failed: RunEvent[] = [
  { kind: 'action-failed', step: 'rewrite-worker-kubeconfigs', action: 'w1', node: 'w1', error },
  {
    kind: 'undo-failed',
    step: 'rewrite-worker-kubeconfigs',
    action: 'w1',
    node: 'w1',
    error: { ...error, message: 'no backup' },
  },
  { kind: 'run-ended', outcome: 'failed', error },
]

const fold = (...events: RunEvent[]) =>
  foldRun(
    events.map(
      (event, index): RecordedEvent => ({
        seq: index + 1,
        at: Date.UTC(2026, 10, 22) + index * 1000,
        run: 'r1',
        event,
      }),
    ),
  )
const undo = { 'rewrite-worker-kubeconfigs': 'Put the old file back.' }

t.test('the report of a run that is done', async (t) => {
  const report = makeReport(fold(begin, ...backedUp, ...rewritten, ...proved), undo, 0)
  t.same(report.touched, [{ step: 'rewrite-worker-kubeconfigs', node: 'w1', ...touched[0] }])
  t.equal(
    reportText(report),
    `prod was converted: 3 steps done, 0 needed no change, every gate held.

Run r1 of prod by quorate 1.2.3
From 2026-11-22T00:00:00.000Z to 2026-11-22T00:00:14.000Z, 14.0 s
Plan hash

Steps
  done     back-up-files  3.0 s
    cp1: copy files [verified, 1.0 s]
  done     rewrite-worker-kubeconfigs  4.0 s
    w1: point it [verified, 2.0 s]
      lease of w1: renewed
  done     prove-ha  3.0 s
    cp1: prove it [verified, 1.0 s]

Proof
  etcd member cp1: votes

Touched (sha256 before -> after)
  w1: /etc/kubernetes/kubelet.conf  aaaaaaaaaaaa -> bbbbbbbbbbbb

Backups
  kept as /state/x.age: 7 bytes
  1 file or object with sha256: quorate report r1 -o json

Ignored findings
  swap: test machine

How to undo the run by hand, in this order
  1. rewrite-worker-kubeconfigs: Put the old file back. (w1)
`,
  )
})

t.test('the report of a run that failed says where, what next, and what is left to undo', async (t) => {
  const text = reportText(makeReport(fold(begin, ...backedUp, ...rewritten, ...failed), undo, 0))
  t.match(text, /^The conversion of prod stopped at a failure on w1; .*\nw1: waited \(GATE_TIMEOUT\)\nNext: look\n/)
  t.match(
    text,
    / {4}w1: point it \[undo-failed, [\d.]+ s\]\n {6}failed: waited\n {6}could not be undone: no backup\n {2}waiting {2}prove-ha\n/,
  )
  t.match(text, /1\. rewrite-worker-kubeconfigs: Put the old file back\. \(w1\)/)
})

t.test('a fix is reported as one: what it fixed, and what no step fixes', async (t) => {
  const left = {
    id: 'etcd',
    severity: 'error',
    message: 'a learner was left',
    evidence: '',
    remedy: 'remove it',
  } as const
  const reportOf = (findings: (typeof left)[], ...events: RunEvent[]) =>
    makeReport(fold({ ...begin, purpose: 'fix', findings } as RunEvent, ...backedUp, ...rewritten, ...events), undo, 0)
  t.match(reportOf([], ...proved), {
    purpose: 'fix',
    headline: 'Fixed',
    verdict: 'prod was fixed: every gate held.',
  })
  const part = reportOf([left], ...proved)
  t.equal(part.headline, 'Fixed in part')
  t.match(reportText(part), /NOT HIGHLY AVAILABLE, and no step fixes it: a learner was left\./)
  t.match(reportText(part), /\nWhat no step fixes\n {2}error {4}etcd: a learner was left\n/)
  t.match(reportHtml(part), /<header class="verdict warn">/)
  t.match(reportText(reportOf([], ...failed)), /^The fix of prod stopped at a failure on w1;/)
  t.notMatch(reportHtml(reportOf([], ...failed)), 'keep-endpoint', 'a fix joins nobody')
  t.match(reportHtml(makeReport(fold(begin, ...backedUp, ...rewritten, ...proved), undo, 0)), 'keep-endpoint')
})

t.test('what was undone by the run itself is not to be undone again', async (t) => {
  const undone: RunEvent[] = [
    failed[0] as RunEvent,
    { kind: 'action-undone', step: 'rewrite-worker-kubeconfigs', action: 'w1', node: 'w1', evidence: [] },
  ]
  t.same(makeReport(fold(begin, ...backedUp, ...rewritten, ...undone), undo, 0).undo, [])
})

t.test('what was found, what clients noticed, and what etcd and the certificates are now', async (t) => {
  const text = reportText(sampleReport())
  for (const part of [
    `Availability
  through the endpoint, from k8sworker1.example.com: 60 requests, 9 failed, longest gap 1310 ms
    2026-11-22T22:15:41.000Z from k8sworker1.example.com (join-control-planes): down for 1.3 s: connect ECONNREFUSED
  at k8smaster1.example.com, from k8sworker1.example.com: 60 requests, 0 failed, longest gap 61 ms
  writes, from k8sworker1.example.com: 60 requests, 0 failed, longest gap 61 ms
`,
    `Findings before the run
  warning  swap-on on k8sworker1.example.com: swap is on
           ignored because: a test machine
  info     coredns-single: one node
`,
    `etcd
  k8smaster1.example.com (8e9e05c52164694d): votes, leader, 3.6.5
  https://192.168.13.31:2380 (91bc3c398fb3c146): learner, no vote, does not answer
`,
    `New certificates
  k8smaster1.example.com: /etc/kubernetes/pki/apiserver.crt serial endpoint, until 2027-11-22, for kubernetes, k8smaster1.example.com
`,
  ])
    t.ok(text.includes(part), part)
})
