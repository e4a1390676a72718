import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { written } from '@quorate/coordinator/documents/document'
import { event as eventDocument, run as runDocument } from '@quorate/coordinator/documents/run'
import { differencesFrom } from '@quorate/coordinator/engine/differences'
import type { RecordedEvent, RunEvent } from '@quorate/coordinator/engine/events'
import { type ActionRecord, foldRun } from '@quorate/coordinator/engine/fold'
import { operationIdOf } from '@quorate/coordinator/engine/operation-id'
import { planSteps } from '@quorate/coordinator/engine/plan'
import { resumeOrder } from '@quorate/coordinator/engine/run-order'
import { runStore } from '@quorate/coordinator/engine/run-store'
import { documentedEvent, documentedRun } from '@quorate/coordinator/report/documented-run'
import { judgeUnknownOutcome } from '@quorate/coordinator/runs/unknown-outcome'
import type { RunId } from '@quorate/shared/names'
import t from 'tap'
import { PaperCluster, paperCall } from '../support/paper-cluster/cluster.js'
import { againstSchema } from '../support/published-schemas.js'

// Journals outlive the version that wrote them: see test/fixtures/README.md for this one's. None of these files is ever written again.
const folder = fileURLToPath(new URL('../fixtures/older-journal/', import.meta.url))
const id = '20261122t120000-abcdef' as RunId
const journal = await runStore(folder).read(id)
const order: readonly ConversionStep[] = conversionOrder
const never = new AbortController().signal

/** The events up to the first that this is true of. */
const until = (is: (event: RunEvent) => boolean): readonly RecordedEvent[] =>
  journal.slice(0, journal.findIndex(({ event }) => is(event)) + 1)

/** The cluster as that journal left it: its verified actions were done. */
async function clusterAfter(events: readonly RecordedEvent[]): Promise<PaperCluster> {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  for (const { id, actions } of foldRun(events).steps)
    for (const { action, state } of actions) {
      if (state !== 'verified') continue
      run.refresh()
      await order.find((step) => step.id === id)?.apply(run, action, paperCall())
    }
  paper.asked.length = 0
  return paper
}

/** What `quorate resume` does with these events; returns how it ended and what it wrote. */
async function resumed(events: readonly RecordedEvent[]) {
  const run = (await clusterAfter(events)).run()
  const state = foldRun(events)
  const approved = await planSteps(order, run, { tolerant: false })
  const more: RunEvent[] = []
  const ended = await resumeOrder({
    ...{ order, run, approved, state, stop: never, judge: judgeUnknownOutcome },
    context: { runId: id, cluster: 'paper', fencingToken: 2 },
    resumed: { planHash: '', version: '', differences: [] },
    emit: async (event) => void more.push(event),
  })
  return { differences: differencesFrom(state, order, approved), ended, more }
}

t.test('a journal of an older version is read, and documents of it are what their schemas say', async (t) => {
  const state = foldRun(journal)
  t.match(state, { id, outcome: 'done', cluster: 'paper', version: '0.1.0' })
  t.same(
    state.steps.map((step) => step.id),
    order.map((step) => step.id),
    'no step has another name',
  )
  for (const recorded of journal)
    t.same(againstSchema(written(eventDocument, documentedEvent(recorded))), [], recorded.event.kind)
  t.same(againstSchema(written(runDocument, documentedRun(state))), [])
})

t.test('an operation has the id by which its node knows it', async (t) => {
  for (const { event } of journal) {
    if (event.kind !== 'operation-sent') continue
    const { step, action, node, label, attempt } = event
    t.equal(
      event.operationId,
      operationIdOf({ run: id, step, action, node, label, attempt }),
      `${step} ${node} ${label}`,
    )
  }
})

/** What versions since then write otherwise: a run that has not written it yet asks for consent. haproxy.cfg: a second backend without checks. */
const writtenOtherwise = /^start-load-balancer: \S+:\/etc\/quorate-haproxy\/haproxy\.cfg has changed since the plan\./
const unexplained = (differences: readonly string[]): readonly string[] =>
  differences.filter((one) => !writtenOtherwise.test(one))

t.test('what it approved is what is planned today', async (t) => {
  const begun = foldRun(journal.slice(0, 1))
  const now = await planSteps(order, new PaperCluster('v1.37.2').run(), { tolerant: false })
  t.same(unexplained(differencesFrom(begun, order, now)), [])
  const ids = (steps: readonly { readonly id: string; readonly actions: readonly { readonly id: string }[] }[]) =>
    Object.fromEntries(steps.map((step) => [step.id, step.actions.map((action) => action.id)]))
  t.same(
    ids(begun.steps.map((step) => ({ id: step.id, actions: step.actions.map(({ action }) => action) }))),
    ids(now),
    'and no action is missing',
  )
})

const done = (step: string) => (event: RunEvent) => event.kind === 'step-done' && event.step === step
const sent = (step: string) => (event: RunEvent) => event.kind === 'operation-sent' && event.step === step

for (const [name, is] of Object.entries({
  'before its first change': (event: RunEvent) => event.kind === 'run-started',
  'after a step': done('update-kube-proxy'),
  'in the middle of an operation': sent('rewrite-worker-kubeconfigs'),
  'before the first join': done('upload-certificates'),
  'after the joins': done('join-control-planes'),
}))
  t.test(`a run that the older version left ${name} is resumed`, async (t) => {
    const events = until(is)
    t.ok(events.length > 0)
    const { differences, ended, more } = await resumed(events)
    t.same(unexplained(differences), [], 'nothing else to accept')
    t.equal(differences.length > 0, name === 'before its first change')
    t.same(ended, { outcome: 'done', needsPerson: false })
    const state = foldRun([
      ...events,
      ...more.map((event, at) => ({ seq: events.length + at + 1, at, run: id, event })),
    ])
    t.same(
      state.steps.filter((step) => !['done', 'skipped'].includes(step.state)).map((step) => step.id),
      [],
    )
  })

t.test('a rollback asks of the nodes what that of the older version asked', async (t) => {
  const paper = await clusterAfter(journal)
  const run = paper.run()
  const steps = foldRun(journal).steps
  const undo = async (step: ConversionStep, { action, operations }: ActionRecord): Promise<void> => {
    run.refresh()
    if (typeof step.rollback === 'function') await step.rollback(run, { action, results: operations }, paperCall())
  }
  for (const step of order.toReversed())
    for (const record of steps.find((one) => one.id === step.id)?.actions.toReversed() ?? []) await undo(step, record)
  const asked: unknown = JSON.parse(readFileSync(`${folder}undo.json`, 'utf8'))
  t.same(JSON.parse(JSON.stringify(paper.asked)), asked)
})
