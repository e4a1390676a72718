import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { offeredText, requireOffered } from '@quorate/shared/identity-offer'
import { certifyKey, createFleetCa, type IssueInput, issueCertificate } from '@quorate/shared/issue-certificate'
import { keyMatches, readCertificate } from '@quorate/shared/pki'
import t from 'tap'
import type { Host } from '../../../../agent/src/host/host.js'
import { LinuxHost } from '../../../../agent/src/host/linux-host.js'
import { certificateOf, OwnIdentity } from '../../../../agent/src/host/own-identity.js'
import { fleetCa, identityOf } from '../../../support/node-identities.js'

const node = 'cp1.example.com'
const folder = '/etc/quorate'

async function made(t: { testdir(): string }) {
  const root = t.testdir()
  const files = new LinuxHost(root)
  const identity = identityOf(node)
  await files.replace(`${folder}/node.crt`, Buffer.from(identity.cert), { mode: 0o644 })
  await files.replace(`${folder}/node.key`, Buffer.from(identity.key), { mode: 0o600 })
  const read = (name: string) => readFileSync(join(root, folder, name), 'utf8')
  return { root, files, identity, read, own: new OwnIdentity(files, folder, identity) }
}

const wish = (rest: Partial<IssueInput> = {}): IssueInput => ({
  ...{ ca: fleetCa, commonName: node, organizations: ['quorate:node'], dnsNames: [node], ipAddresses: [] },
  ...{ days: 90, usage: 'server' },
  ...rest,
})

t.test('the key is made here, its offer is signed, and its certificate is used at once', async (t) => {
  const { own, identity, read } = await made(t)
  const seen: string[] = []
  own.onRenewed(({ cert }) => seen.push(cert))
  const offered = own.offer()
  requireOffered(node, offered)
  t.notMatch(offered.publicKeyPem, /PRIVATE/)
  const cert = certifyKey(wish(), offered.publicKeyPem)
  t.same(await own.renew(cert), readCertificate(cert).notAfter)
  t.same([own.cert, read('node.crt'), read('node.key'), seen], [cert, cert, own.key, [cert]])
  t.not(own.key, identity.key)
  t.ok(keyMatches(own.cert, own.key))
  await t.rejects(own.renew(cert), { code: 'CERTIFICATE_INVALID' }, 'an offer is good once')
})

t.test('any other certificate is refused, and nothing is changed', async (t) => {
  const { own, identity, read } = await made(t)
  const { publicKeyPem } = own.offer()
  const refused = (what: string, cert: string) => t.rejects(own.renew(cert), { code: 'CERTIFICATE_INVALID' }, what)
  await refused('for another key', issueCertificate(wish()).certPem)
  await refused('of another fleet', certifyKey(wish({ ca: createFleetCa('other') }), publicKeyPem))
  await refused('for another node', certifyKey(wish({ dnsNames: ['cp2.example.com'] }), publicKeyPem))
  await refused('for more names', certifyKey(wish({ dnsNames: [node, 'cp2.example.com'] }), publicKeyPem))
  await refused('of an operator', certifyKey(wish({ organizations: ['quorate:operator'] }), publicKeyPem))
  await refused('that has ended', certifyKey(wish({ days: -1 }), publicKeyPem))
  await refused('that ends within the hour', certifyKey(wish({ days: 0.01 }), publicKeyPem))
  own.offer()
  await refused('for a key offered before', certifyKey(wish(), publicKeyPem))
  t.same(
    [own.cert, own.key, read('node.crt'), read('node.key')],
    [...[identity.cert, identity.key, identity.cert, identity.key]],
  )
})

t.test('an offer of another node, another key or a changed one is no offer', async (t) => {
  const { own } = await made(t)
  const offered = own.offer()
  const refused = { code: 'CERTIFICATE_INVALID' }
  t.throws(() => requireOffered('cp2.example.com', offered), refused)
  t.throws(() => requireOffered(node, { ...offered, publicKeyPem: own.offer().publicKeyPem }), refused)
  t.throws(() => requireOffered(node, { ...offered, signature: Buffer.from('x') }), refused)
  t.throws(() => requireOffered(node, { publicKeyPem: '', signature: Buffer.alloc(0) }), refused)
  t.match(offeredText(node, 'x').toString(), node)
})

/** Files whose nth write from now fails; `after`: 0 is the next one. */
function failing(files: Host) {
  let left = Number.POSITIVE_INFINITY
  const host = new Proxy<Host>(files, {
    get(target, name: keyof Host) {
      const value = target[name]
      if (name !== 'replace' && name !== 'remove') return typeof value === 'function' ? value.bind(target) : value
      return (...args: never[]) => {
        if (left-- === 0) throw new Error('no space left')
        return (target[name] as (...args: never[]) => unknown)(...args)
      }
    },
  })
  return {
    host,
    failAfter(writes: number): void {
      left = writes
    },
  }
}

t.test('power fails at each write of a renewal: what is on the disk belongs together', async (t) => {
  for (let writes = 0; writes < 4; writes++) {
    const { files, identity, read } = await made(t)
    const { host, failAfter } = failing(files)
    const own = new OwnIdentity(host, folder, identity)
    const cert = certifyKey(wish(), own.offer().publicKeyPem)
    failAfter(writes)
    await t.rejects(own.renew(cert), /no space/, `write ${writes}`)
    const found = await certificateOf(files, folder, read('node.crt'), read('node.key'))
    t.ok(keyMatches(found, read('node.key')), `after ${writes} writes`)
    t.equal(found, writes < 2 ? identity.cert : cert)
    t.equal(read('node.crt'), found, 'and it is put right')
  }
})

t.test(
  'renewals that fail one after the other, each at any of its writes, leave a pair that belongs together',
  async (t) => {
    for (let first = 0; first < 4; first++)
      for (let second = 0; second < 5; second++) {
        const { files, identity, read } = await made(t)
        const { host, failAfter } = failing(files)
        const own = new OwnIdentity(host, folder, identity)
        for (const writes of [first, second]) {
          const cert = certifyKey(wish(), own.offer().publicKeyPem)
          failAfter(writes)
          await own.renew(cert).catch(() => undefined)
        }
        const found = await certificateOf(files, folder, read('node.crt'), read('node.key'))
        t.ok(keyMatches(found, read('node.key')), `after ${first} writes, then ${second}`)
      }
  },
)
