import { isOfFleet } from '@quorate/shared/fleet-chain'
import {
  createFleetCa,
  createIssuer,
  issueCertificate,
  issuerDays,
  type KeyPair,
} from '@quorate/shared/issue-certificate'
import { readCertificate } from '@quorate/shared/pki'
import t from 'tap'

const root = createFleetCa('one')
const issuer = createIssuer(root)
const day = 86_400_000
const now = Date.now()
const leafOf = (ca: KeyPair, days = 30) =>
  issueCertificate({
    ...{ ca, commonName: 'cp1', organizations: ['quorate:node'], dnsNames: ['cp1'], ipAddresses: [], days },
    usage: 'server',
  })

t.test('a certificate is of the fleet by its root, or by an issuer that comes with it', (t) => {
  const leaf = leafOf(issuer).certPem
  t.ok(isOfFleet(leafOf(root).certPem, root.certPem, now))
  t.ok(isOfFleet(leaf + issuer.certPem, root.certPem, now))
  t.ok(isOfFleet(leaf + issuer.certPem, createFleetCa('two').certPem + root.certPem, now), 'one of two roots')
  t.notOk(isOfFleet(leaf, root.certPem, now), 'without the issuer')
  t.notOk(isOfFleet(leaf + issuer.certPem, createFleetCa('one').certPem, now), 'another root of that name')
  t.end()
})

t.test('what is no issuer issues nothing', (t) => {
  const node = leafOf(issuer)
  t.notOk(isOfFleet(leafOf(node).certPem + node.certPem + issuer.certPem, root.certPem, now), 'a node')
  const below = createIssuer(issuer)
  t.notOk(
    isOfFleet(leafOf(below).certPem + below.certPem + issuer.certPem, root.certPem, now),
    'an issuer of an issuer',
  )
  const foreign = createIssuer(createFleetCa('one'))
  t.notOk(
    isOfFleet(leafOf(foreign).certPem + foreign.certPem + issuer.certPem, root.certPem, now),
    'one of another root',
  )
  for (const text of ['', 'x', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'])
    t.notOk(isOfFleet(text, root.certPem, now))
  t.end()
})

t.test('an issuer that has ended, or not begun, counts no more', (t) => {
  const chain = leafOf(issuer).certPem + issuer.certPem
  t.ok(isOfFleet(chain, root.certPem, now + (issuerDays - 1) * day))
  t.notOk(isOfFleet(chain, root.certPem, now + (issuerDays + 1) * day))
  t.notOk(isOfFleet(chain, root.certPem, now - day))
  t.end()
})

t.test('what an issuer issues ends with it at the latest', (t) => {
  const until = (pem: string) => readCertificate(pem).notAfter.getTime()
  t.equal(until(leafOf(issuer, 400).certPem), until(issuer.certPem))
  t.ok(until(leafOf(issuer, 30).certPem) < until(issuer.certPem))
  t.end()
})
