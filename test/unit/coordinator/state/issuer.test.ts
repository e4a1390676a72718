import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { initState } from '../../../../coordinator/src/state/init.js'
import { issuingRoot, readIssuer, renewIssuer } from '../../../../coordinator/src/state/issuer.js'
import { protectRoot } from '../../../../coordinator/src/state/root-key.js'

/** A fleet whose root key needs a passphrase, and the folder in which systemd gives a service its credentials. */
async function fleetOf(t: Test) {
  const paths = await initState(join(t.testdir(), 'state'))
  await protectRoot(paths, 'correct horse battery')
  const folder = join(t.testdirName, 'credentials')
  mkdirSync(folder)
  const before = process.env['CREDENTIALS_DIRECTORY']
  process.env['CREDENTIALS_DIRECTORY'] = folder
  t.teardown(() => {
    if (before === undefined) delete process.env['CREDENTIALS_DIRECTORY']
    else process.env['CREDENTIALS_DIRECTORY'] = before
  })
  return { paths, credential: join(folder, 'quorate-issuer'), access: { passphrase: 'correct horse battery' } }
}

t.test('an issuer that systemd gives is used where the state folder has none', async (t) => {
  const { paths, credential } = await fleetOf(t)
  const { certPem } = await readIssuer(paths)
  renameSync(paths.issuer, credential)
  t.equal((await readIssuer(paths)).certPem, certPem)
  rmSync(credential)
  await t.rejects(readIssuer(paths), { code: 'ROOT_KEY_LOCKED' })
})

t.test('of two the one that ends later is used, and one of another fleet never', async (t) => {
  const { paths, credential, access } = await fleetOf(t)
  renameSync(paths.issuer, credential)
  await new Promise((resolve) => setTimeout(resolve, 1100)) // dates in certificates have whole seconds
  const { certPem: later } = await renewIssuer(paths, access)
  t.equal((await readIssuer(paths)).certPem, later, 'that of the state folder was renewed')
  const other = await initState(join(t.testdirName, 'other'))
  renameSync(other.issuer, credential)
  t.equal((await readIssuer(paths)).certPem, later)
  writeFileSync(credential, 'damaged')
  await t.rejects(readIssuer(paths), { code: 'STATE_NOT_INITIALISED', where: credential })
})

t.test(
  'where systemd alone has the issuer, a token for a node can be made, and what issues says how it gets it',
  async (t) => {
    const { paths, credential } = await fleetOf(t)
    const { rootsPem } = await readIssuer(paths)
    rmSync(paths.issuer)
    t.equal(await issuingRoot(paths), rootsPem)
    await t.rejects(readIssuer(paths), {
      code: 'ROOT_KEY_LOCKED',
      message: /^there is no issuer here/,
      remedy: /`quorate renew issuer`.*docs\/security\.md#the-root-key/,
    })
    t.notOk(existsSync(credential))
  },
)
