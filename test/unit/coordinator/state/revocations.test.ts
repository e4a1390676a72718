import { appendFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { signDenyList } from '@quorate/shared/deny-list'
import t from 'tap'
import { enrolBundle } from '../../../../coordinator/src/state/enroll-bundle.js'
import { readIdentity } from '../../../../coordinator/src/state/fleet-ca.js'
import { initState } from '../../../../coordinator/src/state/init.js'
import { keyIn } from '../../../../coordinator/src/state/issued-keys.js'
import { readIssuer } from '../../../../coordinator/src/state/issuer.js'
import { revocationsOf } from '../../../../coordinator/src/state/revocations.js'

async function fleetIn(folder: string) {
  const paths = await initState(folder)
  const identity = await readIdentity(paths)
  return { paths, identity, open: () => revocationsOf(paths, () => identity) }
}

const key = (digit: string) => ({ sha256: digit.repeat(64), whose: 'cp1' })

t.test('two commands that revoke at the same time lose no key and make no number twice', async (t) => {
  const { open } = await fleetIn(join(t.testdir(), 'state'))
  t.equal(await open().newest(), undefined)
  const digits = ['a', 'b', 'c', 'd']
  const made = await Promise.all(digits.map((digit) => open().deny([key(digit)])))
  t.same(made.map(({ number }) => number).sort(), [1, 2, 3, 4])
  const newest = await open().newest()
  t.equal(newest?.number, 4)
  t.same(newest?.denied.map(({ sha256 }) => sha256[0]).sort(), digits)
})

t.test('a newer list is taken over, an older one and one of another fleet are not', async (t) => {
  const { paths, open } = await fleetIn(join(t.testdir(), 'state'))
  const other = await fleetIn(join(t.testdirName, 'other'))
  const [own, foreign] = [await readIssuer(paths), await readIssuer(other.paths)]
  const signed = (number: number, issuer = own) =>
    signDenyList({ number, fleet: `quorate fleet ${paths.fleetId}`, denied: [] }, issuer)
  await open().adopt(signed(7))
  await open().adopt(signed(5))
  t.equal((await open().newest())?.number, 7)
  await t.rejects(open().adopt(signed(9, foreign)), { code: 'DENY_LIST_REFUSED' })
  t.equal((await open().deny([key('a')])).number, 8)
})

t.test('every key that is issued is recorded, and a line that a power cut ended costs no other', async (t) => {
  const { paths, identity, open } = await fleetIn(join(t.testdir(), 'state'))
  const bundle = join(t.testdirName, 'bundle')
  await enrolBundle(paths, { node: 'cp1', address: '10.0.0.1', bundle })
  appendFileSync(paths.issuedKeys, '{"sha256":"00')
  const { sha256 } = keyIn('cp1', readFileSync(join(bundle, 'node.crt'), 'utf8'))
  await enrolBundle(paths, { node: 'cp2', address: '10.0.0.2', bundle: join(t.testdirName, 'cp2') })
  t.match(await open().issued(), [
    { whose: 'coordinator', sha256: open().ownKey() },
    { whose: 'cp1', sha256 },
    { whose: 'cp2' },
  ])
  rmSync(paths.issuedKeys)
  t.same(
    await open().issued(),
    [{ ...keyIn('coordinator', identity.cert), issuedAt: 0 }],
    'as an earlier version left it',
  )
})
