import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { initState } from '@quorate/coordinator/state/init'
import { readOwnIdentity } from '@quorate/coordinator/state/own-identity'
import { issueIdentity } from '@quorate/coordinator/state/person-identities'
import { readRoot } from '@quorate/coordinator/state/root-key'
import t, { type Test } from 'tap'
import { openSession } from '../../../../coordinator/src/open-session.js'
import { planRevoke, revoke } from '../../../../coordinator/src/runs/revoke.js'

const day = 86_400_000

async function fleetWith(t: Test) {
  const paths = await initState(join(t.testdir(), 'state'))
  const folder = join(t.testdirName, 'alice')
  await issueIdentity(paths, { name: 'alice', role: 'observer', days: 9, folder })
  return { state: paths.folder, folder }
}

t.test('a wrong passphrase is told apart from none, and both say where to type it', async (t) => {
  const paths = await initState(join(t.testdir(), 'state'), { passphrase: 'correct horse battery' })
  const remedy = /on a terminal the command asks for it.*--passphrase-file/
  const where = paths.sealedCaKey
  await t.rejects(readRoot(paths, { passphrase: 'something else' }), {
    ...{ code: 'ROOT_KEY_LOCKED', where, remedy },
    message: 'this is not the passphrase of the root key',
  })
  await t.rejects(readRoot(paths), { code: 'ROOT_KEY_LOCKED', where, remedy, message: /is under a passphrase$/ })
})

t.test('an identity opens the state folder of its own fleet, without the key of the coordinator', async (t) => {
  const { state, folder } = await fleetWith(t)
  const session = await openSession(state, await readOwnIdentity(folder, Date.now()))
  t.match(session.person, { name: 'alice', role: 'observer' })
})

t.test('a revoked user, an expired one and one of another fleet: one sentence with what to type', async (t) => {
  const { state, folder } = await fleetWith(t)
  const alice = await readOwnIdentity(folder, Date.now())
  await t.rejects(readOwnIdentity(folder, Date.now() + 10 * day), {
    ...{ code: 'USAGE', where: join(folder, 'identity.crt') },
    message: /^the certificate of alice expired on \d{4}-/,
    remedy: /quorate identity issue alice --role ROLE --to DIR$/,
  })
  const other = await initState(join(t.testdirName, 'other'))
  await t.rejects(openSession(other.folder, alice), {
    ...{ code: 'USAGE', where: join(folder, 'identity.crt') },
    message: 'the identity is of another fleet: no root of this one issued it',
    remedy: /--state/,
  })
  const own = await openSession(state)
  await revoke(own, await planRevoke(own, { certificate: readFileSync(join(folder, 'identity.crt'), 'utf8') }))
  await t.rejects(openSession(state, alice), {
    ...{ code: 'IDENTITY_REVOKED', where: join(folder, 'identity.crt') },
    message: 'the key of alice was revoked',
    remedy: /have another identity issued: quorate identity issue/,
  })
})
