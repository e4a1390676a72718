import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { operationIdOf } from '../../../../coordinator/src/engine/operation-id.js'
import { canonicalHash, planSteps, requireApproved, saysTheSame } from '../../../../coordinator/src/engine/plan.js'
import { newRunId } from '../../../../coordinator/src/engine/run-id.js'

const action = (id: string, more = {}) => ({
  id,
  node: id,
  does: 'point it',
  diffs: [{ name: 'f', text: '+x\n' }],
  ...more,
})

t.test('the hash does not depend on the order of keys, and on nothing left out', async (t) => {
  t.equal(canonicalHash({ a: 1, b: [{ c: 2, d: undefined }] }), canonicalHash({ b: [{ c: 2 }], a: 1 }))
  t.not(canonicalHash({ a: [1, 2] }), canonicalHash({ a: [2, 1] }), 'the order of steps counts')
  t.not(canonicalHash({ diff: '+a' }), canonicalHash({ diff: '+b' }))
  // A value pinned once: a hash that a person approved yesterday must be the one computed today.
  t.equal(
    canonicalHash({ steps: [], cluster: 'prod' }),
    '47d6321c0f0a9a1899cf82ebabc37bf85820f8f8786e320cd2dfc020f887eeea',
  )
})

t.test('two values have one hash only if they are equal', async () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const [left, right] = [a, b].map((value) => JSON.parse(JSON.stringify(value)) as unknown)
      return (canonicalHash(left) === canonicalHash(right)) === isDeepStrictEqual(left, right)
    }),
  )
})

t.test('holds a step against what was approved', async (t) => {
  t.doesNotThrow(() => requireApproved('s', [action('a'), action('b')], [action('a')]), 'somebody finished b')
  t.throws(() => requireApproved('s', [action('a')], [action('b')]), { code: 'PLAN_CHANGED', where: 'b' })
  t.throws(() => requireApproved('s', [action('a')], [action('a', { does: 'remove it' })]), {
    code: 'PLAN_CHANGED',
    message: /approved plan has: point it/,
  })
  t.throws(() => requireApproved('s', [action('a')], [action('a', { diffs: [{ name: 'f', text: '+y\n' }] })]), {
    code: 'DRIFT',
    message: /\+x[\s\S]*\+y/,
  })
  t.throws(() => requireApproved('s', [action('a')], [action('a', { diffs: [] })]), { code: 'DRIFT' })
})

t.test('a step that cannot be planned ends the plan, unless findings block it anyway', async (t) => {
  const order = [
    {
      id: 'x',
      title: 'X',
      gate: '',
      undo: '',
      width: 1,
      plan: async () => {
        throw new Error('no facts')
      },
      apply: async () => {},
      verify: async () => [],
      rollback: { nothingToUndo: '' },
    },
  ]
  await t.rejects(planSteps(order, {}, { tolerant: false }), { message: 'no facts' })
  t.match(await planSteps(order, {}, { tolerant: true }), [
    { id: 'x', actions: [], problem: 'no facts', unplanned: { code: 'INTERNAL' } },
  ])
})

t.test('an operation id is fit for a unit name and another for each of its six parts', async (t) => {
  const key = { run: 'r', step: 's', action: 'a', node: 'n', label: 'l', attempt: 1 }
  const id = operationIdOf(key)
  t.match(id, /^[0-9a-f]{32}$/)
  t.equal(operationIdOf({ ...key }), id)
  const others = (Object.keys(key) as (keyof typeof key)[]).map((part) =>
    operationIdOf({ ...key, [part]: part === 'attempt' ? 2 : 'other' }),
  )
  t.equal(new Set([id, ...others]).size, 7)
  t.not(operationIdOf({ ...key, step: 's/a', action: '' }), operationIdOf({ ...key, step: 's', action: '/a' }))
})

t.test('run ids sort by time', async (t) => {
  const early = newRunId(Date.UTC(2026, 10, 22, 22, 15, 30))
  t.match(early, /^20261122t221530-[0-9a-f]{6}$/)
  t.ok(newRunId(Date.UTC(2026, 10, 22, 22, 15, 31)) > early)
})

t.test('an action in the words of another version is the approved one, as long as its values are', async (t) => {
  const action = (does: string) => ({ id: 'cp1', node: 'cp1', does, diffs: [] })
  const approved = [
    action(
      "issue the API server's certificate anew with api.example.com, 192.168.13.100 beside its present names; no restart",
    ),
  ]
  const now = (names: string) => [
    action(`reissue the API server's certificate with ${names} added to its names; no restart`),
  ]
  t.doesNotThrow(() => requireApproved('step', approved, now('api.example.com, 192.168.13.100'), saysTheSame))
  t.throws(() => requireApproved('step', approved, now('api.example.com, 192.168.13.101'), saysTheSame), {
    code: 'PLAN_CHANGED',
  })
  t.throws(() => requireApproved('step', approved, now('api.example.com'), saysTheSame), { code: 'PLAN_CHANGED' })
  t.throws(() => requireApproved('step', approved, now('api.example.com, 192.168.13.100')), { code: 'PLAN_CHANGED' })
})
