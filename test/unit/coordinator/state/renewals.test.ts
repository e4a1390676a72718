import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdirSync, rmdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isOfFleet } from '@quorate/shared/fleet-chain'
import { requireVouched, vouchedText } from '@quorate/shared/identity-offer'
import { issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import t, { type Test } from 'tap'
import { enrolBundle } from '../../../../coordinator/src/state/enroll-bundle.js'
import { enrolledNodes } from '../../../../coordinator/src/state/enrolled-nodes.js'
import { readIdentity } from '../../../../coordinator/src/state/fleet-ca.js'
import { initState } from '../../../../coordinator/src/state/init.js'
import { keyIn } from '../../../../coordinator/src/state/issued-keys.js'
import { readIssuer } from '../../../../coordinator/src/state/issuer.js'
import { renewalsOf } from '../../../../coordinator/src/state/renewals.js'

async function fleetOfOne(t: Test) {
  const paths = await initState(join(t.testdir(), 'state'))
  await enrolBundle(paths, { node: 'cp1', address: '10.0.0.1', bundle: join(t.testdirName, 'cp1') })
  const [node] = await enrolledNodes(paths)
  if (node === undefined) throw new Error('no node')
  return { paths, node, renewals: renewalsOf(paths) }
}

const newKey = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privateKey }
}

t.test(
  'renewals that are cut off before any of their writes, one after the other, leave an identity each time',
  async (t) => {
    const { paths, renewals } = await fleetOfOne(t)
    const written = [`${paths.coordinatorCert}.next`, paths.coordinatorKey, paths.coordinatorCert]
    const cutOffBefore = async (path: string): Promise<void> => {
      // The name that is written first and then renamed is taken: the write fails, as where the process ends before it.
      const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`)
      mkdirSync(temporary)
      await t.rejects(renewals.renewOwn('now'))
      rmdirSync(temporary)
      const { cert, ca } = await readIdentity(paths)
      t.ok(isOfFleet(cert, ca, Date.now()), path)
    }
    for (const first of written)
      for (const second of written) {
        const before = await readIdentity(paths)
        await cutOffBefore(first)
        await cutOffBefore(second)
        await renewals.renewOwn('now')
        t.not((await readIdentity(paths)).key, before.key)
      }
  },
)

t.test('two that renew at once leave a pair that belongs together, and both are recorded', async (t) => {
  const { paths, renewals } = await fleetOfOne(t)
  await Promise.all(Array.from({ length: 8 }, () => renewals.renewOwn('now')))
  await readIdentity(paths)
  const at = await readIdentity(paths)
  await renewals.renewOwn('if due')
  t.same(await readIdentity(paths), at, 'another has just done it')
})

t.test('nodes that are enrolled at the same time are all in the list', async (t) => {
  const { paths } = await fleetOfOne(t)
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  await Promise.all(
    names.map((node) => enrolBundle(paths, { node, address: '10.0.0.2', bundle: join(t.testdirName, node) })),
  )
  t.same(
    (await enrolledNodes(paths)).map(({ name }) => name),
    [...names, 'cp1'].sort(),
  )
})

t.test('a key vouches for the next one of its own node only, and five times at most', async (t) => {
  const { paths, node, renewals } = await fleetOfOne(t)
  const issuer = await readIssuer(paths)
  const pairOf = (name: string): KeyPair =>
    issueCertificate({
      ...{ ca: issuer, commonName: name, organizations: ['quorate:node'], dnsNames: [name], ipAddresses: [] },
      ...{ days: -1, usage: 'server' },
    })
  const offerBy = ({ certPem, keyPem }: KeyPair, name = 'cp1') => {
    const { publicKeyPem } = newKey()
    return { publicKeyPem, certificatePem: certPem, vouched: sign('sha256', vouchedText(name, publicKeyPem), keyPem) }
  }
  const own = pairOf('cp1')
  const { sha256 } = keyIn('cp1', own.certPem)
  const keys = new Set([sha256])
  t.equal(requireVouched('cp1', offerBy(own), keys), sha256)
  const refused = { code: 'CERTIFICATE_INVALID', remedy: /quorate enroll cp1/ }
  t.throws(() => requireVouched('cp1', offerBy(pairOf('cp1')), keys), refused, 'a key that is not known')
  t.throws(() => requireVouched('cp1', offerBy(own, 'cp2'), keys), refused, 'what it said of another node')
  t.throws(() => requireVouched('cp1', { ...offerBy(own), publicKeyPem: newKey().publicKeyPem }, keys), refused)
  t.throws(() => requireVouched('cp1', { ...offerBy(own), certificatePem: 'x' }, keys), refused)
  t.throws(() => requireVouched('cp1', { ...offerBy(own), vouched: Buffer.alloc(0) }, keys), refused)

  const [first] = await renewals.mayVouch(node)
  t.ok(first)
  for (let times = 0; times < 5; times++) {
    t.ok((await renewals.mayVouch(node)).has(String(first)), `${times}`)
    await renewals.certify(node, newKey().publicKeyPem, first)
  }
  t.notOk((await renewals.mayVouch(node)).has(String(first)))
})
