import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCertificate } from '@quorate/shared/pki'
import t, { type Test } from 'tap'
import { initState } from '../../../../coordinator/src/state/init.js'
import { issuerValidity, readIssuer, renewIssuer } from '../../../../coordinator/src/state/issuer.js'
import { protectRoot, readRoot, rootKeyPlace } from '../../../../coordinator/src/state/root-key.js'

const passphrase = 'correct horse battery staple'
const day = 86_400_000

/** The clock of this process, days ahead until the test ends. */
function later(t: Test, days: number): void {
  const real = Date.now
  Date.now = () => real() + days * day
  t.teardown(() => {
    Date.now = real
  })
}

t.test('under a passphrase the root key is nowhere in clear, and nothing but the next issuer needs it', async (t) => {
  const paths = await initState(join(t.testdir(), 'state'), { passphrase })
  t.equal(await rootKeyPlace(paths), 'under a passphrase')
  t.equal(statSync(paths.sealedCaKey).mode & 0o777, 0o600)
  t.notOk(existsSync(paths.caKey))
  const { keyPem } = await readRoot(paths, { passphrase })
  const secret = keyPem.split('\n')[1] ?? ''
  t.ok(secret.length > 40)
  for (const file of readdirSync(paths.folder, { recursive: true, withFileTypes: true }))
    if (file.isFile()) t.notOk(readFileSync(join(file.parentPath, file.name), 'utf8').includes(secret), file.name)

  const issuer = await readIssuer(paths)
  for (const wrong of [undefined, 'not this one at all'])
    await t.rejects(readRoot(paths, wrong === undefined ? {} : { passphrase: wrong }), {
      code: 'ROOT_KEY_LOCKED',
      where: paths.sealedCaKey,
    })
  t.same(await readIssuer(paths), issuer, 'nothing has changed')
})

t.test(
  'an issuer that is due is used to its end; then the passphrase is needed, and nothing else is lost',
  async (t) => {
    const paths = await initState(join(t.testdir(), 'state'), { passphrase })
    const first = await readIssuer(paths)
    later(t, 80)
    t.same(await readIssuer(paths), first)
    later(t, 15)
    await t.rejects(readIssuer(paths), { code: 'ROOT_KEY_LOCKED', remedy: /quorate renew issuer/ })
    await renewIssuer(paths, { passphrase })
    const next = await readIssuer(paths)
    t.not(next.keyPem, first.keyPem)
    t.ok(readCertificate(next.certPem).notAfter.getTime() > Date.now() + 89 * day)
  },
)

t.test('with the root key in clear the next issuer is made in time', async (t) => {
  const paths = await initState(join(t.testdir(), 'state'))
  const first = await readIssuer(paths)
  t.same(await readIssuer(paths), first, 'not before')
  later(t, 61)
  const next = await readIssuer(paths)
  t.not(next.keyPem, first.keyPem)
  t.same(await readIssuer(paths), next)
})

t.test('a fleet of an earlier version gets its issuer with what it issues first', async (t) => {
  const paths = await initState(join(t.testdir(), 'state'))
  rmSync(paths.issuer)
  t.equal(await issuerValidity(paths), undefined)
  const made = await readIssuer(paths)
  t.same(await readIssuer(paths), made)
})

t.test('a root key that is kept elsewhere is named when it is needed', async (t) => {
  const paths = await initState(join(t.testdir(), 'state'))
  const file = join(t.testdirName, 'ca.key')
  await protectRoot(paths, passphrase)
  t.equal(await rootKeyPlace(paths), 'under a passphrase')
  t.notOk(existsSync(paths.caKey))
  renameSync(paths.sealedCaKey, file)
  t.equal(await rootKeyPlace(paths), 'elsewhere')
  await t.rejects(renewIssuer(paths), { code: 'STATE_NOT_INITIALISED', where: paths.caKey })
  await renewIssuer(paths, { file, passphrase })
  const other = await initState(join(t.testdirName, 'other'))
  await t.rejects(renewIssuer(paths, { file: other.caKey }), {
    where: other.caKey,
    message: /is not the key of ca\.crt/,
  })
  await t.rejects(renewIssuer(paths, { file: join(t.testdirName, 'none') }), { code: 'USAGE' })
})

t.test('what cannot be an issuer is named, and a short passphrase refused before anything changes', async (t) => {
  const paths = await initState(join(t.testdir(), 'state'))
  await t.rejects(protectRoot(paths, 'short'), { code: 'USAGE', message: /at least 12 characters/ })
  t.ok(existsSync(paths.caKey))
  const [own, other] = [readFileSync(paths.issuer, 'utf8'), await initState(join(t.testdirName, 'other'))]
  const half = own.slice(0, own.indexOf('-----BEGIN PRIVATE'))
  const key = readFileSync(other.issuer, 'utf8').slice(half.length)
  for (const text of ['garbage', half, `${half}${key}`]) {
    writeFileSync(paths.issuer, text)
    await t.rejects(readIssuer(paths), {
      code: 'STATE_NOT_INITIALISED',
      where: paths.issuer,
      remedy: /the root key makes another/,
    })
  }
  writeFileSync(paths.issuer, readFileSync(other.issuer))
  t.notSame(await readIssuer(paths), await readIssuer(other), 'that of another fleet is none')
})
