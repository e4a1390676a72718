/** An API server of real nodes that hangs in the middle of a conversion: the run stops by itself. `npx tap test/faults/availability-budget.test.ts`; root. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitCode } from '@quorate/shared/errors'
import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'
import { capture } from '../../lab/real/machines/shell.js'
import { labForTest, newestRun } from '../support/real-lab.js'

const version = process.env['QUORATE_REAL_VERSIONS']?.split(' ')[0] ?? 'v1.37.2'
const budgetSeconds = 2
const hangsMs = 4_000

t.test(`Kubernetes ${version}: the API was away for longer than the budget`, async (t) => {
  const lab = await labForTest(t, version, { workers: 1 })
  const file = readFileSync(lab.clusterFile, 'utf8')
  const tight = file.replace(/availabilityBudgetSeconds: \d+/, `availabilityBudgetSeconds: ${budgetSeconds}`)
  t.not(tight, file)
  writeFileSync(lab.clusterFile, tight)
  const conversion = capture(...lab.quorate(['convert', '-f', lab.clusterFile, '--yes']))
  const journal = () => readFileSync(join(lab.stateFolder, 'runs', `${newestRun(lab)}.jsonl`), 'utf8')
  const published = async () =>
    journal().includes('"kind":"step-done","step":"publish-endpoint-name"') ? holds(true) : notYet('not so far')
  await until('the run to be under way', published, { deadlineMs: 120_000, everyMs: 100 })
  await lab.node('cp1').must(['pkill', '-STOP', '-x', 'kube-apiserver'])
  await new Promise((resolve) => setTimeout(resolve, hangsMs))
  await lab.node('cp1').must(['pkill', '-CONT', '-x', 'kube-apiserver'])

  const stopped = await conversion
  t.equal(stopped.exitCode, exitCode.stepFailed)
  t.match(stopped.stdout + stopped.stderr, /AVAILABILITY_BUDGET_SPENT|; 2 s are allowed/)
  t.notMatch(journal(), /"kind":"step-started","step":"join-control-planes"/, 'nothing joined')

  // The budget is of each step: once the API answers again the run goes on.
  const resumed = await capture(...lab.quorate(['resume', newestRun(lab)]))
  t.equal(resumed.exitCode, 0, resumed.exitCode === 0 ? '' : resumed.stdout.slice(-2000) + resumed.stderr)
  const verified = await capture(...lab.quorate(['verify', '-f', lab.clusterFile]))
  t.equal(verified.exitCode, 0, verified.exitCode === 0 ? '' : verified.stdout.slice(-2000))
})
