import { X509Certificate } from 'node:crypto'
import { keyOf } from '@quorate/shared/deny-list'
import { createFleetCa, issueCertificate } from '@quorate/shared/issue-certificate'
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import t from 'tap'
import { createSealing } from '../../../../agent/src/host/age-sealing.js'
import { prove } from '../../../../agent/src/host/node-identity.js'
import { signedBytes, writeEnvelope } from '../../../../agent/src/host/sealed-envelope.js'
import { identityOf, noneDenied, recipientOf } from '../../../support/node-identities.js'

const about = { purpose: 'join-secret', runId: '20260303t101112-abc123' } as const
const secret = Buffer.from('abcdef.0123456789abcdef')
const sealingOf = (...identity: Parameters<typeof identityOf>) => createSealing(identityOf(...identity), noneDenied)

t.test('only the agent that a secret was sealed to can open it', async (t) => {
  const [first, joiner, other] = await Promise.all([sealingOf('cp1'), sealingOf('cp2'), sealingOf('cp3')])
  const sealed = await first.seal(secret, recipientOf('cp2', joiner), about)
  t.notOk(Buffer.from(sealed).includes('abcdef'))
  t.equal(Buffer.from(await joiner.open(sealed, about)).toString(), secret.toString())
  await t.rejects(other.open(sealed, about), { code: 'SECRET_NOT_FOR_US' })
  await t.rejects(joiner.open(Buffer.from('not an age file'), about), { code: 'SECRET_NOT_FOR_US' })
})

t.test('nothing is sealed to a key that its node has not signed with its certificate', async (t) => {
  const [first, joiner] = await Promise.all([sealingOf('cp1'), sealingOf('cp2')])
  const theirs = await identityToRecipient(await generateX25519Identity())
  const honest = recipientOf('cp2', joiner)
  const asOperator = await sealingOf('cp2', { organizations: ['quorate:operator'] })
  const ofAnotherFleet = await sealingOf('cp2', { ca: createFleetCa('another') })
  const expired = await sealingOf('cp2', { days: -1 })
  const unsigned = { node: 'cp2', recipient: theirs, signature: Buffer.alloc(0), certificatePem: '' }
  for (const [what, to] of Object.entries({
    'without a proof': unsigned,
    'with the proof of the true key': { ...honest, recipient: theirs },
    'with the certificate of an operator': recipientOf('cp2', asOperator),
    'with a certificate of another fleet': recipientOf('cp2', ofAnotherFleet),
    'with a certificate that has expired': recipientOf('cp2', expired),
    'under the name of another node': { ...honest, node: 'cp3' },
    'with text instead of a certificate': { ...honest, certificatePem: 'x' },
  }))
    await t.rejects(first.seal(secret, to, about), { code: 'SEAL_UNPROVEN', where: to.node }, what)
})

t.test('nothing is sealed to a node whose key was revoked, and nothing opened that it sealed', async (t) => {
  const stolen = identityOf('cp2')
  const key = keyOf(new X509Certificate(stolen.cert))
  const denied = { find: (one: string) => (one === key ? { sha256: key, whose: 'cp2', deniedAt: 0 } : undefined) }
  const [first, thief] = [await createSealing(identityOf('cp1'), denied), await createSealing(stolen, noneDenied)]
  const revoked = { code: 'SEAL_UNPROVEN', where: 'cp2', message: /its key was revoked$/ }
  await t.rejects(first.seal(secret, recipientOf('cp2', thief), about), revoked)
  await t.rejects(first.open(await thief.seal(secret, recipientOf('cp1', first), about), about), revoked)
  const renewed = await sealingOf('cp2')
  const sealed = await renewed.seal(secret, recipientOf('cp1', first), about)
  t.equal(
    Buffer.from(await first.open(sealed, about)).toString(),
    secret.toString(),
    'with another key it is a node again',
  )
})

t.test('a certificate that a node issued with its own key proves nothing', async (t) => {
  const [first, node] = [await sealingOf('cp1'), identityOf('worker')]
  const names = { commonName: 'cp2', organizations: ['quorate:node'], dnsNames: ['cp2'], ipAddresses: [] }
  const ca = { certPem: node.cert, keyPem: node.key }
  const { certPem, keyPem } = issueCertificate({ ca, ...names, days: 1, usage: 'server' })
  const forged = await createSealing({ node: 'cp2', ca: node.ca, cert: certPem + node.cert, key: keyPem }, noneDenied)
  await t.rejects(first.seal(secret, recipientOf('cp2', forged), about), { code: 'SEAL_UNPROVEN' })
})

t.test('nothing is opened that no node of the fleet sealed, or that is for another run, purpose or node', async (t) => {
  const [first, joiner] = await Promise.all([sealingOf('cp1'), sealingOf('cp2')])
  const to = recipientOf('cp2', joiner)
  const encrypter = new Encrypter()
  encrypter.addRecipient(joiner.recipient)
  for (const plain of ['{"token":"abcdef.0123456789abcdef"}', '{}\n{}\nx', 'x\ny\nz', ''])
    await t.rejects(joiner.open(await encrypter.encrypt(plain), about), { code: 'SEAL_UNPROVEN' }, plain)
  const asOperator = await sealingOf('cp1', { organizations: ['quorate:operator'] })
  await t.rejects(joiner.open(await asOperator.seal(secret, to, about), about), { code: 'SEAL_UNPROVEN' })
  const sealed = await first.seal(secret, to, about)
  for (const other of [
    { ...about, runId: '20260303t101112-abc124' },
    { ...about, purpose: 'join-token' as const },
  ])
    await t.rejects(joiner.open(sealed, other), { code: 'SECRET_NOT_FOR_US', message: /cp1 sealed this secret for/ })
})

t.test('what one node got, it cannot hand on to another as the word of the sender', async (t) => {
  const [joiner, other] = await Promise.all([sealingOf('cp2'), sealingOf('cp3')])
  const sender = identityOf('cp1')
  const signed = signedBytes({ sender: 'cp1', recipient: 'cp2', key: joiner.recipient, ...about }, secret)
  const encrypter = new Encrypter()
  encrypter.addRecipient(other.recipient)
  const handedOn = await encrypter.encrypt(writeEnvelope(prove(sender, 'quorate sealed secret v1', signed), signed))
  await t.rejects(other.open(handedOn, about), { code: 'SECRET_NOT_FOR_US', message: /for recipient "cp2", not "cp3"/ })
})

t.test('a stream larger than age chunks comes out as it went in', async (t) => {
  const identity = await generateX25519Identity()
  const chunk = Buffer.alloc(50_000, 'etcd')
  async function* plain() {
    for (let index = 0; index < 5; index++) yield chunk
  }
  const pieces: Uint8Array[] = []
  const { sealStream } = await sealingOf('cp1')
  for await (const piece of sealStream(plain(), await identityToRecipient(identity))) pieces.push(piece)
  t.ok(pieces.length > 1, 'in pieces, not gathered')
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  const opened = await decrypter.decrypt(Buffer.concat(pieces))
  t.ok(Buffer.from(opened).equals(Buffer.concat(Array.from({ length: 5 }, () => chunk))))
})
