import { written } from '@quorate/coordinator/documents/document'
import { reportDocument } from '@quorate/coordinator/report/schema'
import t from 'tap'
import { runText } from '../../../../coordinator/src/cli/render/runs.js'
import { makeStyle } from '../../../../coordinator/src/cli/render/style.js'
import { reportHtml } from '../../../../coordinator/src/report/html/page.js'
import { makeReport } from '../../../../coordinator/src/report/run-report.js'
import { reportText } from '../../../../coordinator/src/report/text.js'
import { againstSchema } from '../../../support/published-schemas.js'
import { attempts, began, hardWon, runOfAttempts } from '../../../support/sample-attempts.js'

const report = makeReport(hardWon(), {}, 0)
const pauses = [30 * 60_000 + 1_000, 5 * 60_000 + 1_000, 9 * 3_600_000 + 1_000]

t.test('a run that was interrupted once and failed twice says so, although it was converted in the end', async (t) => {
  t.equal(report.headline, 'Converted')
  t.match(report.verdict, /every gate held\. Before that, 1 attempt was interrupted and 2 failed\.$/)
  t.match(report.attempts, [
    { begun: 'started', outcome: 'interrupted', durationMs: 5_000, failures: [], error: { code: 'INTERRUPTED' } },
    {
      begun: 'resumed',
      outcome: 'failed',
      durationMs: 4_000,
      failures: [{ step: 'join-control-planes', node: 'cp2', undo: false, error: { code: 'GATE_TIMEOUT' } }],
    },
    { outcome: 'failed', failures: [{ error: { message: 'the agent of cp2 was away' } }] },
    { outcome: 'done', durationMs: 5_000, failures: [] },
  ])
  t.same(
    report.pauses.map(({ durationMs }) => durationMs),
    pauses,
  )
  t.equal(report.workedMs, 18_000)
  t.equal(report.durationMs, report.workedMs + pauses.reduce((sum, one) => sum + one))
  t.same(againstSchema(written(reportDocument, report)), [])
})

t.test('no pause counts as work of a step', async (t) => {
  t.match(report.steps, [
    { durationMs: 3_000, work: [{ attempt: 1, state: 'done' }] },
    {
      state: 'done',
      durationMs: 7_000,
      work: [
        { attempt: 2, from: began + 5_000 + (pauses[0] ?? 0) + 1_000, state: 'failed' },
        { attempt: 3, state: 'failed' },
        { attempt: 4, state: 'done' },
      ],
      actions: [{ durationMs: 1_000 }],
    },
  ])
})

t.test('the text report tells each attempt, why it ended, and the pause after it', async (t) => {
  const text = reportText(report)
  t.match(text, /\nFrom 2026-11-22T22:00:00\.000Z to .*: 18\.0 s of work in 4 attempts, paused for 9 h 35 min\n/)
  t.ok(
    text.includes(`
Attempts
  1. started 2026-11-22T22:00:00.000Z, interrupted after 5.0 s: stopped before: Join (INTERRUPTED)
     paused for 30 min 01 s
  2. resumed 2026-11-22T22:30:06.000Z, failed after 4.0 s: join-control-planes on cp2: cp2 did not report (GATE_TIMEOUT)
     paused for 5 min 01 s
  3. resumed 2026-11-22T22:35:11.000Z, failed after 4.0 s: join-control-planes on cp2: the agent of cp2 was away (GATE_TIMEOUT)
     paused for 9 h 00 min
  4. resumed 2026-11-23T07:35:16.000Z, done after 5.0 s
`),
    text,
  )
  t.match(text, /done {5}join-control-planes {2}7\.0 s, failed in attempts 2 and 3\n/)
})

t.test('the page draws the pauses as gaps and marks what failed', async (t) => {
  const page = reportHtml(report)
  const lane = /<div class="row attempts">.*?<\/div>/s.exec(page)?.[0] ?? ''
  t.equal(lane.match(/class="pause"/g)?.length, 3, 'each pause is a gap')
  t.match(lane, /30 min/)
  const row = /<li class="row"><span class="label"><a href="#step-join-control-planes">.*?<\/li>/s.exec(page)?.[0] ?? ''
  t.equal(row.match(/class="bar failed"/g)?.length, 4, 'two bars, each drawn to be seen when it took no time')
  t.equal(row.match(/class="cross"/g)?.length, 2, 'each failed attempt is marked')
  t.equal(row.match(/class="bar done"/g)?.length, 2)
  t.match(row, /7\.0 s<small>failed in attempts 2 and 3<\/small>/)
  t.match(page, /Time taken<\/dt><dd>18\.0 s<small>2 of 2 steps done, in 4 attempts; pauses of 9 h 35 min not counted/)
  t.match(page, /the agent of cp2 was away/)
})

t.test('one line of the status says so too', async (t) => {
  const text = runText(hardWon(), 0, makeStyle(false))
  t.match(text, /\n {2}Attempts: 4 \(1 interrupted, 2 failed\), 18 s of work, paused for 9 h 35 min\n/)
  t.match(text, /done {2,}join-control-planes {2,}7\.0 s\n/)
})

t.test('an attempt whose process was killed ends with the last that it wrote', async (t) => {
  const run = runOfAttempts(attempts.interrupted, attempts.killed, attempts.done)
  const killed = makeReport(run, {}, 0)
  t.match(killed.verdict, /Before that, 1 attempt was interrupted and 1 was abandoned\.$/)
  t.match(killed.attempts[1], { outcome: 'abandoned', durationMs: 2_000 })
  t.match(killed.steps[1]?.work, [
    { attempt: 2, state: 'interrupted' },
    { attempt: 3, state: 'done' },
  ])
  const left = makeReport({ ...runOfAttempts(attempts.interrupted, attempts.killed), outcome: 'abandoned' }, {}, 0)
  t.equal(left.attempts.at(-1)?.outcome, 'abandoned')
  t.equal(makeReport(runOfAttempts(attempts.interrupted, attempts.killed), {}, 0).attempts.at(-1)?.outcome, 'running')
})

t.test('a rollback is an attempt of its own, and its undo is work on the step', async (t) => {
  const undone = makeReport(runOfAttempts(attempts.interrupted, attempts.failed, attempts.rolledBack), {}, 0)
  t.match(undone.verdict, /was undone\. Before that, 1 attempt was interrupted and 1 failed\.$/)
  t.match(undone.attempts.at(-1), { begun: 'rollback', outcome: 'done', durationMs: 3_000 })
  t.match(undone.steps[0], {
    state: 'undone',
    durationMs: 4_000,
    work: [
      { attempt: 1, state: 'done' },
      { attempt: 3, state: 'undone' },
    ],
  })
  t.match(reportText(undone), /\n {2}3\. rollback 2026-\S+, done after 3\.0 s\n/)
  t.same(againstSchema(written(reportDocument, undone)), [])
})

t.test('a run of one attempt says nothing of attempts', async (t) => {
  const one = makeReport(runOfAttempts(attempts.interrupted), {}, 0)
  t.notMatch(reportText(one), /attempt/i)
  t.notMatch(reportHtml(one).replace(/<style>[^<]*/, ''), /attempt/i)
  t.notMatch(runText(runOfAttempts(attempts.interrupted), 0, makeStyle(false)), /attempt/i)
})
