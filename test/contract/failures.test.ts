import { allChecks } from '@quorate/coordinator/conversion/checks/all'
import { allProofs } from '@quorate/coordinator/conversion/proofs/all'
import { allFailures } from '@quorate/coordinator/failures/catalogue'
import { allExplanations } from '@quorate/coordinator/failures/explanations'
import t from 'tap'

const checksAndProofs = new Set([...allChecks, ...allProofs].map(({ id }) => id))
const named = new Set(allFailures.flatMap(({ checks }) => checks ?? []))
const explained = new Set(allFailures.flatMap(({ recognised }) => recognised ?? []))

t.test('every failure is there once, numbered from F01 in its order', async (t) => {
  t.ok(allFailures.length >= 72)
  const wanted = Array.from({ length: allFailures.length }, (_, index) => `F${String(index + 1).padStart(2, '0')}`)
  t.same(
    allFailures.map(({ number }) => number),
    wanted,
  )
})

t.test('each has something that sees or recognises it, or says why not', async (t) => {
  for (const { number, title, threads, checks, recognised, neither } of allFailures) {
    t.ok(title !== '' && threads !== '', number)
    const answers = (checks?.length ?? 0) + (recognised?.length ?? 0)
    t.equal(answers > 0, neither === undefined, number)
    t.ok(checks?.length !== 0 && recognised?.length !== 0 && neither !== '', `${number}: no empty list`)
  }
})

t.test('every check, proof and explanation that it names exists', async (t) => {
  t.same(
    [...named].filter((id) => !checksAndProofs.has(id)),
    [],
  )
  const known = new Set(allExplanations.map(({ id }) => id))
  t.same(
    [...explained].filter((id) => !known.has(id)),
    [],
  )
})

t.test('every check and proof has a place in it, or says why it is beside it, and not both', async (t) => {
  const beside = [...allChecks, ...allProofs].flatMap((one) => (one.beside === undefined ? [] : [one.id]))
  t.equal(new Set(beside).size, beside.length, 'said once')
  t.same(
    [...checksAndProofs].filter((id) => !named.has(id) && !beside.includes(id)),
    [],
  )
  t.same(
    beside.filter((id) => named.has(id) || !checksAndProofs.has(id)),
    [],
  )
})

t.test('every explanation is named by a failure, and called once', async (t) => {
  const ids = allExplanations.map(({ id }) => id)
  t.same(
    ids.filter((id) => !explained.has(id)),
    [],
  )
  t.equal(new Set(ids).size, ids.length)
})
