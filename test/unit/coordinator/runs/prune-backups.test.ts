import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Session } from '@quorate/coordinator/runs/context/session'
import { planPrune, prune } from '@quorate/coordinator/runs/prune-backups'
import { planRollback, startRollback } from '@quorate/coordinator/runs/rollback'
import { QuorateError } from '@quorate/shared/errors'
import type { OperationHeader } from '@quorate/shared/gen/quorate/v1/operation'
import type { NodeName, RunId } from '@quorate/shared/names'
import t from 'tap'
import type { CliContext } from '../../../../coordinator/src/cli/context.js'
import { runProgram } from '../../../../coordinator/src/cli/program.js'
import { restSession, writeRun } from '../../../support/rest-session.js'

interface Asked {
  readonly node: string
  readonly runIds: readonly string[]
  readonly header: OperationHeader
}

const rolledBack = [
  { kind: 'run-ended', outcome: 'failed' },
  { kind: 'rollback-started', fencingToken: 7, version: '0.1.0', keepEndpoint: false },
  { kind: 'run-rolled-back', outcome: 'done' },
] as const

/** A session whose agents delete backups, but for those that are silent. */
function fleetOf(silent: Set<string> = new Set()) {
  const asked: Asked[] = []
  const agent = ({ name }: { name: NodeName }) => ({
    node: name,
    read: async () => ({}),
    change: (
      method: string,
      { runIds }: Asked,
      call: { operation(s: unknown, send: (h: OperationHeader) => unknown): unknown },
    ) =>
      call.operation({ method }, async (header) => {
        if (silent.has(name)) throw new QuorateError('AGENT_UNREACHABLE', 'it does not answer', { where: name })
        asked.push({ node: name, runIds, header })
        return {
          unchanged: false,
          summary: `removed the backups of ${runIds.length} run`,
          touched: [],
          facts: {},
          sealed: [],
        }
      }),
  })
  const session = restSession({
    connect: () => ({ agent, close: () => {} }) as unknown as ReturnType<Session['connect']>,
  })
  return { session, asked, silent }
}

t.test('only what was rolled back goes by itself; a run that is not over is refused', async (t) => {
  const { session, asked } = fleetOf()
  const [undone, done] = [await writeRun(session, rolledBack, false), await writeRun(session)]
  const failed = await writeRun(session, [{ kind: 'run-ended', outcome: 'failed' }], false)
  const plan = await planPrune(session, [])
  t.same(
    plan.map(({ run, nodes }) => [run, nodes.length]),
    [[undone, 3]],
  )
  await t.rejects(planPrune(session, [failed]), { code: 'USAGE', message: /may still need its backups: it is failed/ })
  const pruned = await prune(session, plan)
  t.same(
    pruned.map((one) => one.done),
    [true, true, true],
  )
  t.equal(asked.length, 3)
  for (const { runIds, header } of asked) {
    t.same(runIds, [undone])
    t.not(header.runId, undone, 'the deletion is no operation of the run')
    t.ok(header.fencingToken > 7 && header.cluster === 'prod', 'above every coordinator of the cluster')
  }
  t.same(await planPrune(session, []), [], 'there is nothing left')
  t.equal(await session.leases.holder('prod'), undefined)
  t.equal(await session.backups.deletedOn(done), undefined)
})

t.test(
  'a named run that ended well cannot be rolled back afterwards, and a node that was silent is asked again',
  async (t) => {
    const { session, asked, silent } = fleetOf(new Set(['k8smaster2.example.com']))
    const done = await writeRun(session)
    t.match(await prune(session, await planPrune(session, [done])), [
      { done: true },
      { node: 'k8smaster2.example.com', done: false, said: 'it does not answer' },
      { done: true },
    ])
    const refused = { code: 'RUN_OVER', message: /its backups were deleted from the nodes/ }
    await t.rejects(planRollback(session, { id: done }), refused)
    await t.rejects(startRollback(session, { id: done }), refused)
    silent.clear()
    asked.length = 0
    t.match(await prune(session, await planPrune(session, [done])), [{ node: 'k8smaster2.example.com', done: true }])
    t.same(await planPrune(session, [done]), [])
  },
)

t.test('while a run holds the cluster nothing is deleted', async (t) => {
  const { session, asked } = fleetOf()
  const undone = await writeRun(session, rolledBack, false)
  const lease = await session.leases.acquire('prod', undone)
  await t.rejects(prune(session, await planPrune(session, [])), { code: 'CLUSTER_HELD' })
  t.equal(await session.backups.deletedOn(undone), undefined, 'a rollback would still begin')
  await lease.release()
  t.equal(asked.length, 0)
})

/** The command line over that session. */
function cli(session: Session, state: string, answer?: string) {
  const said = { text: '' }
  const context = {
    terminal: {
      ...{ live: false, coloured: false, canAsk: answer !== undefined },
      out: (text: string) => {
        said.text += text
      },
      err: () => {},
      size: () => ({ columns: 80, rows: 24 }),
      ask: async () => answer ?? '',
    },
    input: () => Readable.from([]),
    version: '0',
    defaultState: state,
    openSession: async () => session,
    now: Date.now,
  } as unknown as CliContext
  return {
    said,
    run: (...args: string[]) =>
      runProgram(context, ['backup', 'prune', ...args]).catch((error: unknown) => error as QuorateError),
  }
}

t.test('the command shows, asks, deletes, and removes the logs of detached commands', async (t) => {
  const { session, asked, silent } = fleetOf()
  const state = t.testdir()
  const logs = join(state, 'logs')
  mkdirSync(logs)
  for (const [name, hours] of [
    ['old.log', 48],
    ['new.log', 0],
  ] as const) {
    writeFileSync(join(logs, name), 'x')
    utimesSync(join(logs, name), Date.now() / 1000 - hours * 3600, Date.now() / 1000 - hours * 3600)
  }
  const undone = await writeRun(session, rolledBack, false)
  t.match(await cli(session, state).run(), { code: 'USAGE', remedy: 'Use --yes.' })
  t.match(await cli(session, state, 'n').run(), { code: 'NOT_APPROVED' })
  t.equal(asked.length, 0)
  t.ok(existsSync(join(logs, 'old.log')))
  silent.add('k8smaster3.example.com')
  const asking = cli(session, state, 'y')
  t.match(await asking.run(), { code: 'AGENT_UNREACHABLE', where: 'k8smaster3.example.com' })
  t.match(
    asking.said.text,
    new RegExp(`${undone} of prod: it was rolled back; 3 nodes[\\s\\S]*FAILED: it does not answer`),
  )
  t.notOk(existsSync(join(logs, 'old.log')))
  t.ok(existsSync(join(logs, 'new.log')))
  silent.clear()
  const again = cli(session, state)
  t.equal(await again.run('--yes', '-o', 'json'), 0)
  t.match(JSON.parse(again.said.text), {
    type: 'pruned',
    nodes: [{ node: 'k8smaster3.example.com', done: true }],
    logs: [],
  })
  const nothing = cli(session, state)
  t.equal(await nothing.run(), 0)
  t.match(nothing.said.text, /^Nothing to delete/)
  t.match(await cli(session, state).run('20200101t000000-aaaaaa' as RunId), { code: 'RUN_NOT_FOUND' })
})
