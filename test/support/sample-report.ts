import type { RecordedEvent, RunEvent } from '@quorate/coordinator/engine/events'
import { foldRun } from '@quorate/coordinator/engine/fold'
import { makeReport } from '@quorate/coordinator/report/run-report'
import type { RunReport } from '@quorate/coordinator/report/schema'
import type { ClusterPicture } from '@quorate/coordinator/runs/cluster-picture'
import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { clusterFile } from './rest-session.js'

const [cp1, cp2, worker] = ['k8smaster1.example.com', 'k8smaster2.example.com', 'k8sworker1.example.com']
const began = Date.UTC(2026, 10, 22, 22, 15, 30)
const diff =
  '--- a\n+++ b\n@@ -1 +1 @@\n-server: https://192.168.13.30:6443\n+server: https://apiserver.example.com:8443\n'
const file = '/etc/kubernetes/kubelet.conf'
const elsewhere = 'On each: kubectl config set-cluster kubernetes --server=https://apiserver.example.com:8443'
const point = {
  id: worker,
  node: worker,
  does: 'point it',
  diffs: [{ name: `${worker}:${file}`, text: diff }],
  elsewhere,
}
const join = { id: cp2, node: cp2, does: 'join', diffs: [], noWayBack: 'while two vote' }
const error = { code: 'GATE_TIMEOUT', message: 'waited in vain', where: cp2, remedy: 'look at it' }
const result = OperationResult.fromPartial({
  summary: 'rewrote it',
  touched: [{ name: file, sha256Before: 'a'.repeat(64), sha256After: 'b'.repeat(64) }],
})

const picture = (to: string): ClusterPicture => ({
  connections: [
    { node: cp1, component: 'kubelet', to: cp1 },
    { node: cp1, component: 'kube-proxy', to },
    { node: cp2, component: 'scheduler', to: cp1 },
    { node: worker, component: 'kubelet', to },
  ],
  members: [
    {
      id: '8e9e05c52164694d',
      name: cp1,
      peerUrl: 'https://192.168.13.30:2380',
      learner: false,
      leader: true,
      version: '3.6.5',
    },
    {
      id: '91bc3c398fb3c146',
      name: '',
      peerUrl: 'https://192.168.13.31:2380',
      learner: true,
      leader: false,
      version: '',
    },
  ],
  certificates: [
    {
      node: cp1,
      path: '/etc/kubernetes/pki/apiserver.crt',
      subject: 'CN=kube-apiserver',
      serial: to,
      sans: ['kubernetes', cp1],
      notAfter: began + 31_536_000_000,
      ca: false,
    },
    {
      node: cp1,
      path: '/etc/kubernetes/pki/ca.crt',
      subject: 'CN=kubernetes',
      serial: '01',
      sans: [],
      notAfter: began + 315_360_000_000,
      ca: true,
    },
  ],
  backends: [cp1],
  silent: [cp2],
})

const started: RunEvent = {
  kind: 'run-started',
  cluster: 'prod',
  planHash: 'c'.repeat(64),
  fencingToken: 1,
  version: '1.2.3',
  clusterFile: `${clusterFile}workers:\n  - {name: ${worker}, address: 192.168.13.35}\n`,
  ignored: { 'swap-on': 'a test machine', 'clock-offset': 'known' },
  findings: [
    {
      id: 'swap-on',
      severity: 'warning',
      node: worker,
      message: 'swap is on',
      evidence: '/dev/sda2',
      remedy: 'swapoff -a',
      ignoredBecause: 'a test machine',
    },
    { id: 'coredns-single', severity: 'info', message: 'one node', evidence: '', remedy: 'nothing to do' },
  ],
  steps: [
    { id: 'rewrite-worker-kubeconfigs', title: 'Point the workers', actions: [point] },
    { id: 'join-control-planes', title: 'Join', actions: [join] },
    { id: 'prove-ha', title: 'Prove', actions: [] },
  ],
}
const pointed: readonly RunEvent[] = [
  { kind: 'step-started', step: 'rewrite-worker-kubeconfigs', title: 'Point the workers', actions: [point] },
  { kind: 'action-started', step: 'rewrite-worker-kubeconfigs', action: point },
  {
    kind: 'operation-done',
    step: 'rewrite-worker-kubeconfigs',
    action: worker,
    node: worker,
    label: 'rewrite',
    operationId: 'o1',
    result,
  },
  {
    kind: 'action-verified',
    step: 'rewrite-worker-kubeconfigs',
    action: worker,
    node: worker,
    evidence: [
      { what: `Lease of ${worker}`, saw: 'renewed' },
      { what: `${worker}:${file}`, saw: `sha256 ${'b'.repeat(64)}` },
    ],
  },
  { kind: 'step-done', step: 'rewrite-worker-kubeconfigs' },
]
const broken: readonly RunEvent[] = [
  { kind: 'step-started', step: 'join-control-planes', title: 'Join', actions: [join] },
  { kind: 'action-started', step: 'join-control-planes', action: join },
  { kind: 'action-failed', step: 'join-control-planes', action: cp2, node: cp2, error },
  {
    kind: 'undo-failed',
    step: 'join-control-planes',
    action: cp2,
    node: cp2,
    error: { ...error, message: 'no backup' },
  },
  { kind: 'node-missing', node: worker, message: 'no answer' },
]
const watched = (target: string, failed: number): RunEvent => ({
  kind: 'availability',
  during: 'join-control-planes',
  place: worker,
  target,
  from: began + 10_000,
  to: began + 13_000,
  asked: 60,
  failed,
  longestGapMs: failed === 0 ? 61 : 1_310,
  outages: failed === 0 ? [] : [{ from: began + 11_000, to: began + 12_310, error: 'connect ECONNREFUSED' }],
})

/** Stopped by a person, and gone on with. */
const paused: readonly RunEvent[] = [
  { kind: 'run-ended', outcome: 'interrupted', error: { ...error, code: 'INTERRUPTED' } },
  {
    kind: 'run-resumed',
    planHash: 'c'.repeat(64),
    fencingToken: 2,
    version: '1.2.3',
    steps: [{ id: 'join-control-planes', title: 'Join', actions: [join] }],
    differences: [],
  },
]

/** A run in which everything happened that a report can tell. */
const events: readonly RunEvent[] = [
  started,
  { kind: 'cluster-seen', when: 'before', ...picture(cp1) },
  ...pointed,
  ...paused,
  ...broken,
  watched('endpoint', 9),
  watched(cp1, 0),
  watched('write', 0),
  { kind: 'cluster-seen', when: 'after', ...picture('endpoint') },
  { kind: 'run-ended', outcome: 'failed', error },
]

/** The report of a run in which everything happened that a report can tell: no part of it is empty. */
export function sampleReport(): RunReport {
  const recorded = events.map(
    (event, index): RecordedEvent => ({
      seq: index + 1,
      at: began + index * 1_000,
      run: '20261122t221530-ab12cd',
      event,
    }),
  )
  return makeReport(foldRun(recorded), { 'rewrite-worker-kubeconfigs': 'Put the old file back.' }, began)
}

/** The same value with every text in it replaced; keys stay. */
export function withTexts<T>(value: T, replace: (text: string) => string): T {
  if (typeof value === 'string') return replace(value) as T
  if (Array.isArray(value)) return value.map((item) => withTexts(item, replace)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withTexts(item, replace)])) as T
}
