import { foldRun } from '@quorate/coordinator/engine/fold'
import type { Session } from '@quorate/coordinator/runs/context/session'
import { requireOver } from '@quorate/coordinator/runs/require-over'
import t from 'tap'

/** Runs by id, oldest first: what their journals end with. */
function sessionWith(runs: readonly (readonly [string, string, 'done' | 'failed' | 'interrupted' | undefined])[]) {
  const journal = (id: string) => {
    const [, cluster, outcome] = runs.find(([one]) => one === id) ?? []
    const at = runs.findIndex(([one]) => one === id) + 1
    const started = { kind: 'run-started', cluster, operation: 'convert', fencingToken: 1, steps: [] }
    const events = outcome === undefined ? [started] : [started, { kind: 'run-ended', outcome }]
    return events.map((event, index) => ({ seq: index + 1, at, run: id, event }))
  }
  return {
    runs: { list: async () => runs.map(([id]) => id), read: async (id: string) => journal(id) },
    leases: { holder: async () => undefined },
  } as unknown as Session
}

t.test('the newest run of the cluster must be over', async (t) => {
  const a = ['20261101t120000-aaaaaa', 'one', 'failed'] as const
  const b = ['20261102t120000-bbbbbb', 'one', 'done'] as const
  const c = ['20261103t120000-cccccc', 'two', 'interrupted'] as const
  const d = ['20261104t120000-dddddd', 'three', undefined] as const
  const session = sessionWith([a, b, c, d])
  t.equal(foldRun(await session.runs.read(c[0] as never)).outcome, 'interrupted')
  await requireOver(session, 'one', '--remove')
  await requireOver(session, 'unknown', '--remove')
  for (const [cluster, said] of [
    ['two', /run 20261103t120000-cccccc of this cluster is interrupted/],
    ['three', /run 20261104t120000-dddddd of this cluster is abandoned/],
  ] as const)
    await t.rejects(requireOver(session, cluster, '--remove'), {
      code: 'USAGE',
      message: said,
      remedy: /quorate resume .*quorate rollback/,
    })
})
