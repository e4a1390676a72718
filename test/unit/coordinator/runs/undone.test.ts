import type { ClusterFile } from '@quorate/coordinator/config/cluster-file'
import type { RunState } from '@quorate/coordinator/engine/fold'
import { undoneProof } from '@quorate/coordinator/runs/undone'
import t from 'tap'

const file = { name: 'prod' } as ClusterFile
const run = (parts: Partial<RunState>): RunState =>
  ({ id: '20261122t221530-ab12cd', cluster: 'prod', outcome: 'done', ...parts }) as RunState
const undone = { outcome: 'rolled-back', endedAt: Date.UTC(2026, 10, 22, 22, 40) } as const

t.test('verify names the conversion that was rolled back, and how to convert again', async (t) => {
  t.match(undoneProof([run(undone)], file), {
    holds: false,
    findings: [
      {
        severity: 'warning',
        message: /run 20261122t221530-ab12cd, was rolled back/,
        evidence: 'rolled back on 2026-11-22T22:40:00.000Z',
        remedy: /quorate convert -f/,
      },
    ],
  })
  t.ok(undoneProof([run({ purpose: 'fix', outcome: 'done' }), run(undone)], file), 'a later fix is no conversion')
})

t.test('it says nothing where the last conversion stands, or another cluster was rolled back', async (t) => {
  t.equal(undoneProof([], file), undefined)
  t.equal(undoneProof([run({ ...undone, cluster: 'other' })], file), undefined)
  t.equal(undoneProof([run({}), run(undone)], file), undefined, 'converted again since')
  t.equal(undoneProof([run({ ...undone, purpose: 'fix' }), run({})], file), undefined, 'a fix was rolled back')
  t.equal(undoneProof([run({ outcome: 'failed' })], file), undefined, 'a rollback that failed is to be continued')
})
