import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { personCertificate } from '@quorate/coordinator/state/identities'
import { readOwnIdentity } from '@quorate/coordinator/state/own-identity'
import { createFleetCa, issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import type { Role } from '@quorate/shared/roles'
import t, { type Test } from 'tap'

const ca = createFleetCa('ab12')
const alice = issueCertificate(personCertificate(ca, { name: 'alice', role: 'observer', days: 9 }))

interface Wish {
  readonly person?: KeyPair
  readonly key?: string
  readonly roots?: string
}

function folderOf(t: Test, { person = alice, key = person.keyPem, roots = ca.certPem }: Wish = {}): string {
  const folder = join(t.testdir(), 'alice')
  mkdirSync(folder, { mode: 0o700 })
  writeFileSync(join(folder, 'identity.crt'), person.certPem)
  writeFileSync(join(folder, 'fleet-ca.crt'), roots)
  writeFileSync(join(folder, 'identity.key'), key, { mode: 0o600 })
  return folder
}

const read = (folder: string) => readOwnIdentity(folder, Date.now())

t.test('what `quorate identity issue` wrote is who acts', async (t) => {
  t.match(await read(folderOf(t)), {
    name: 'alice',
    role: 'observer',
    fingerprint: /^[0-9a-f]{64}$/,
    keyPem: alice.keyPem,
  })
})

t.test('an identity that cannot be used is refused with its remedy', async (t) => {
  const refusedWith = async (t: Test, folder: string, message: RegExp, remedy: RegExp) =>
    t.rejects(read(folder), { code: 'USAGE', message, remedy, where: new RegExp(`^${folder}`) })

  t.test('a key that others may read', async (t) => {
    const folder = folderOf(t)
    chmodSync(join(folder, 'identity.key'), 0o640)
    await refusedWith(t, folder, /others than its owner may read/, /chmod 600 \S+identity\.key/)
  })
  t.test('a folder that others may write to', async (t) => {
    const folder = folderOf(t)
    chmodSync(folder, 0o770)
    await refusedWith(t, folder, /other users can write/, /chmod 700/)
  })
  t.test('a key of another certificate', (t) =>
    refusedWith(t, folderOf(t, { key: ca.keyPem }), /not the key of identity\.crt/, /Put both/),
  )
  t.test('a key under a passphrase', (t) => {
    const key = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
    }).privateKey
    return refusedWith(t, folderOf(t, { key }), /under a passphrase/, /openssl pkey -in \S+identity\.key/)
  })
  t.test('a certificate that has expired', (t) => {
    const person = issueCertificate(personCertificate(ca, { name: 'alice', role: 'observer', days: -1 }))
    return refusedWith(t, folderOf(t, { person }), /certificate of alice expired on 2/, /quorate identity issue alice/)
  })
  t.test('a certificate of another fleet', (t) =>
    refusedWith(t, folderOf(t, { roots: createFleetCa('cd34').certPem }), /of another fleet/, /--state/),
  )
  t.test('a certificate with two roles, or none', async (t) => {
    const wish = personCertificate(ca, { name: 'alice', role: 'observer', days: 9 })
    for (const organizations of [['quorate:observer', 'quorate:operator'], ['quorate:node']])
      await t.test(organizations.join(' '), (t) =>
        refusedWith(
          t,
          folderOf(t, { person: issueCertificate({ ...wish, organizations }) }),
          /one role/,
          /identity issue/,
        ),
      )
  })
  t.test('no certificate, a file without end, no folder', async (t) => {
    const folder = folderOf(t)
    writeFileSync(join(folder, 'identity.crt'), 'x')
    await refusedWith(t, folder, /not a PEM certificate/, /Copy it again/)
    writeFileSync(join(folder, 'identity.crt'), Buffer.alloc(70_000))
    await t.rejects(read(folder), { code: 'FILE_TOO_LARGE' })
    await refusedWith(t, join(folder, 'nowhere'), /cannot be read: ENOENT/, /--identity/)
  })
})

t.test('every role can be read', async (t) => {
  for (const role of ['operator', 'approver', 'enroller', 'auditor'] satisfies Role[])
    await t.test(role, async (t) => {
      const person = issueCertificate(personCertificate(ca, { name: 'bob', role, days: 9 }))
      t.match(await read(folderOf(t, { person })), { name: 'bob', role })
    })
})
