/** A drill of a converted cluster of real nodes, the cold start too. `QUORATE_REAL_VERSIONS=v1.37.2 npx tap test/faults/drill.test.ts`; root. */
import t, { type Test } from 'tap'
import type { Lab } from '../../lab/real/lab.js'
import { capture } from '../../lab/real/machines/shell.js'
import { labForTest } from '../support/real-lab.js'
import { differences, stateOf } from '../support/real-state.js'

const version = process.env['QUORATE_REAL_VERSIONS']?.split(' ')[0] ?? 'v1.37.2'
const consent = ['--yes', '--i-know-this-takes-parts-down']
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Drilled {
  readonly outcome: string
  readonly verdict: string
  readonly scenarios: readonly { readonly id: string; readonly verdict: string; readonly longestGapMs?: number }[]
}

/** Drills a converted cluster; all is survived and no file or object is another. */
async function drillLab(t: Test, lab: Lab, args: readonly string[] = []): Promise<Drilled> {
  const before = await stateOf(lab)
  const { exitCode, stdout, stderr } = await capture(
    ...lab.quorate(['drill', '-f', lab.clusterFile, '-o', 'json', ...consent, ...args]),
  )
  t.equal(exitCode, 0, stdout.slice(-3000) + stderr)
  const line = stdout.split('\n').find((each) => each.startsWith('{"type":"drill-report"')) ?? '{}'
  const report = JSON.parse(line) as Drilled
  t.comment(JSON.stringify(report, undefined, 1))
  t.equal(report.outcome, 'done')
  for (const { id, verdict } of report.scenarios ?? []) t.equal(verdict, 'survived', id)
  t.same(differences(before, await stateOf(lab)), [], 'no file and no object is another')
  return report
}

t.test(`Kubernetes ${version}`, async (t) => {
  const lab = await labForTest(t, version)
  const converted = await capture(...lab.quorate(['convert', '-f', lab.clusterFile, '--yes']))
  t.equal(converted.exitCode, 0, converted.stdout.slice(-2000) + converted.stderr)

  await t.test('every scenario, and the cold start', async (t) => {
    const { scenarios } = await drillLab(t, lab, ['--cold-start'])
    t.equal(scenarios.length, 5)
  })

  await t.test('coordinator and agent are killed in its middle: the node brings back by itself', async (t) => {
    const args = ['--only', 'api-server', '--down-for', '30', '--restore-after', '40', ...consent]
    const running = capture(...lab.quorate(['drill', '-f', lab.clusterFile, ...args]))
    const first = lab.node('cp1')
    const isArmed = async () =>
      (await first.sh(['systemctl', 'is-active', '-q', 'quorate-put-back.timer'])).exitCode === 0
    for (const deadline = Date.now() + 120_000; !(await isArmed()) && Date.now() < deadline; ) await pause(200)
    t.ok(await isArmed(), 'the timer is armed')
    await first.must(['systemctl', 'stop', 'quorate-agent'])
    const readyz = ['kubectl', 'get', '--raw', '/readyz', '--server', `https://${first.address}:6443`]
    const isReady = async () => (await first.sh(readyz)).exitCode === 0
    t.notOk(await isReady(), 'it is down')
    for (const deadline = Date.now() + 120_000; !(await isReady()) && Date.now() < deadline; ) await pause(500)
    t.ok(await isReady(), 'it came back while its agent was gone')
    await first.must(['systemctl', 'start', 'quorate-agent'])
    const { exitCode, stdout, stderr } = await running
    t.comment(`the drill ended with ${exitCode}: ${(stdout + stderr).slice(-1500)}`)
    const verified = async () => (await capture(...lab.quorate(['verify', '-f', lab.clusterFile]))).exitCode
    for (const deadline = Date.now() + 120_000; (await verified()) !== 0 && Date.now() < deadline; ) await pause(500)
    t.equal(await verified(), 0)
  })
})
