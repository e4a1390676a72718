import { identityToRecipient } from 'age-encryption'
import t from 'tap'
import { newAgeIdentity } from '../../../../agent/src/host/age-identity.js'

t.test('an identity is one that the age library knows, with the recipient that it would derive', async (t) => {
  for (let round = 0; round < 20; round++) {
    const { identity, recipient } = newAgeIdentity()
    t.match(identity, /^AGE-SECRET-KEY-1[A-Z0-9]{58}$/)
    t.equal(await identityToRecipient(identity), recipient)
  }
  t.not(newAgeIdentity().recipient, newAgeIdentity().recipient)
})
