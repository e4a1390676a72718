import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import t from 'tap'
import { createSealing } from '../../../../agent/src/host/age-sealing.js'

t.test('only the agent that a secret was sealed to can open it', async (t) => {
  const [first, joiner, other] = await Promise.all([createSealing(), createSealing(), createSealing()])
  const sealed = await first.seal(Buffer.from('abcdef.0123456789abcdef'), joiner.recipient)
  t.notOk(Buffer.from(sealed).includes('abcdef'))
  t.equal(Buffer.from(await joiner.open(sealed)).toString(), 'abcdef.0123456789abcdef')
  await t.rejects(other.open(sealed), { code: 'SECRET_NOT_FOR_US' })
  await t.rejects(joiner.open(Buffer.from('not an age file')), { code: 'SECRET_NOT_FOR_US' })
  await t.rejects(first.seal(Buffer.from('x'), 'age1nonsense'), { code: 'INVALID_REQUEST' })
})

t.test('a stream larger than age chunks comes out as it went in', async (t) => {
  const identity = await generateX25519Identity()
  const chunk = Buffer.alloc(50_000, 'etcd')
  async function* plain() {
    for (let index = 0; index < 5; index++) yield chunk
  }
  const pieces: Uint8Array[] = []
  const { sealStream } = await createSealing()
  for await (const piece of sealStream(plain(), await identityToRecipient(identity))) pieces.push(piece)
  t.ok(pieces.length > 1, 'in pieces, not gathered')
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  const opened = await decrypter.decrypt(Buffer.concat(pieces))
  t.ok(Buffer.from(opened).equals(Buffer.concat(Array.from({ length: 5 }, () => chunk))))
})
