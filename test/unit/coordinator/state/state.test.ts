import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { isOfFleet } from '@quorate/shared/fleet-chain'
import { parseNodeName } from '@quorate/shared/names'
import { keyMatches, readCertificate } from '@quorate/shared/pki'
import { Decrypter, Encrypter } from 'age-encryption'
import t from 'tap'
import { enrolBundle } from '../../../../coordinator/src/state/enroll-bundle.js'
import { enrolledNodes, recordNode } from '../../../../coordinator/src/state/enrolled-nodes.js'
import { readIdentity } from '../../../../coordinator/src/state/fleet-ca.js'
import { initState } from '../../../../coordinator/src/state/init.js'
import { keepBackup } from '../../../../coordinator/src/state/keep-backup.js'
import { defaultStateFolder, statePaths } from '../../../../coordinator/src/state/paths.js'
import { readOrMakeToken } from '../../../../coordinator/src/state/rest-token.js'
import { readRoot } from '../../../../coordinator/src/state/root-key.js'

const text = (path: string) => readFileSync(path, 'utf8')

t.test(
  'the identities that init and enrolment issue are of this fleet, with the roles that agents ask for',
  async (t) => {
    const paths = await initState(join(t.testdir(), 'state'))
    const ca = text(paths.caCert)
    t.equal(readCertificate(ca).isCa, true)
    t.ok(keyMatches(ca, text(paths.caKey)))
    const coordinator = text(paths.coordinatorCert)
    t.ok(isOfFleet(coordinator, ca, Date.now()))
    t.ok(keyMatches(coordinator, text(paths.coordinatorKey)))
    t.match(readCertificate(coordinator).subject, /quorate:operator/)
    const bundle = join(t.testdirName, 'b')
    await enrolBundle(paths, { node: 'cp1.example.com', address: '192.168.13.30', bundle })
    const node = text(join(bundle, 'node.crt'))
    t.ok(isOfFleet(node, ca, Date.now()))
    t.ok(keyMatches(node, text(join(bundle, 'node.key'))))
    t.match(readCertificate(node), { subject: /quorate:node/, sans: ['cp1.example.com', '192.168.13.30'] })
    t.equal(text(join(bundle, 'fleet-ca.crt')), ca)
  },
)

t.test('enrolling again replaces the node, and gives it another key', async (t) => {
  const paths = await initState(join(t.testdir(), 'state'))
  const bundle = join(t.testdirName, 'b')
  await enrolBundle(paths, { node: 'cp1', address: '10.0.0.1', bundle })
  const before = text(join(bundle, 'node.key'))
  await enrolBundle(paths, { node: 'cp1', address: '[fd00::1]:7000', bundle })
  t.not(text(join(bundle, 'node.key')), before)
  t.match(await enrolledNodes(paths), [{ name: 'cp1', agent: '[fd00::1]:7000' }])
  t.match(text(join(bundle, 'agent.yaml')), /listen: '\[fd00::1\]:7000'/)
  t.match(text(join(bundle, 'agent.yaml')), `\nbackupRecipient: ${text(paths.backupRecipient)}`)
  writeFileSync(paths.nodes, '{"nodes": 1}')
  await t.rejects(enrolledNodes(paths), { code: 'USAGE', where: paths.nodes })
})

t.test('a node’s key is not written where another user could take it', async (t) => {
  const paths = await initState(join(t.testdir(), 'state'))
  const at = (name: string): string => join(t.testdirName, name)
  const enrol = (bundle: string) => enrolBundle(paths, { node: 'cp1', address: '10.0.0.1', bundle })
  const refused = (why: RegExp) => ({ code: 'USAGE', message: why, remedy: /mode 0700, with --bundle/ })
  for (const mode of [0o770, 0o707, 0o1777, 0o720]) {
    const bundle = at(`mode-${mode}`)
    mkdirSync(bundle)
    chmodSync(bundle, mode)
    await t.rejects(enrol(bundle), refused(/other users may write to it/))
    t.same(readdirSync(bundle), [])
  }
  mkdirSync(at('own'), { mode: 0o755 })
  symlinkSync(at('own'), at('link'))
  await t.rejects(enrol(at('link')), refused(/it is not a folder/))
  if (process.getuid?.() === 0) {
    chownSync(at('own'), 1000, 1000)
    await t.rejects(enrol(at('own')), refused(/it belongs to another user \(uid 1000\)/))
    chownSync(at('own'), 0, 0)
  }
  await enrol(at('own'))
  await enrol(at('new'))
  t.equal(statSync(at('new')).mode & 0o777, 0o700)
  writeFileSync(join(at('new'), 'node.crt'), 'garbage')
  await t.rejects(enrol(at('new')), { code: 'USAGE', message: /identity of another node \(unreadable\)/ })
})

t.test('certificates of the fleet that cannot be read are named, with where to get them', async (t) => {
  const paths = await initState(join(t.testdir(), 'state'))
  const damaged = (where: string) => ({
    code: 'STATE_NOT_INITIALISED',
    where,
    remedy: `Restore ${where} from your backup of the state folder.`,
  })
  for (const where of [paths.coordinatorCert, paths.caCert, paths.coordinatorKey, paths.caKey]) {
    const before = text(where)
    writeFileSync(where, 'garbage')
    const read: Promise<unknown> = where === paths.caKey ? readRoot(paths) : readIdentity(paths)
    await t.rejects(read, damaged(where))
    writeFileSync(where, before)
  }
  await readIdentity(paths)
  await readRoot(paths)
})

t.test('a fleet that lacks a file is not taken for none: the file is named, with where to get it', async (t) => {
  const paths = await initState(join(t.testdir(), 'state'))
  const request = { node: 'cp1', address: '10.0.0.1', bundle: join(t.testdirName, 'b') }
  rmSync(paths.caKey)
  rmSync(paths.issuer)
  await t.rejects(enrolBundle(paths, request), {
    code: 'STATE_NOT_INITIALISED',
    message: 'a file of this fleet is missing',
    where: paths.caKey,
    remedy: `Restore ${paths.caKey} from your backup of the state folder.`,
  })
  t.notOk(existsSync(request.bundle))
  rmSync(paths.nodes)
  await t.rejects(enrolledNodes(paths), { code: 'STATE_NOT_INITIALISED', where: paths.nodes, remedy: /^Restore / })
  const empty = statePaths(join(t.testdirName, 'empty'))
  await t.rejects(enrolBundle(empty, request), {
    message: 'there is no fleet in this state folder',
    where: empty.folder,
    remedy: /quorate init/,
  })
})

t.test("what is encrypted for the recipient is opened by the operator's key", async (t) => {
  const paths = await initState(join(t.testdir(), 'state'))
  const encrypter = new Encrypter()
  encrypter.addRecipient(text(paths.backupRecipient).trim())
  const ciphertext = await encrypter.encrypt('etcd')
  const decrypter = new Decrypter()
  decrypter.addIdentity(text(paths.backupIdentity).trim())
  t.equal(await decrypter.decrypt(ciphertext, 'text'), 'etcd')
})

t.test('a backup has its name only when it is whole', async (t) => {
  const paths = statePaths(t.testdir())
  const piece = { run: 'r1', node: 'cp1', kind: 'etcd' } as const
  const bytes = async function* () {
    yield Buffer.from('abc')
    yield Buffer.from('def')
  }
  const kept = await keepBackup(paths, { ...piece, bytes: bytes() })
  t.equal(text(kept.path), 'abcdef')
  t.match(kept, {
    path: join(paths.backups, 'r1', 'cp1-etcd.age'),
    bytes: 6,
    sha256: createHash('sha256').update('abcdef').digest('hex'),
  })
  t.equal(statSync(kept.path).mode & 0o777, 0o600)
  const broken = async function* () {
    yield Buffer.from('abc')
    throw new Error('the node went away')
  }
  await t.rejects(keepBackup(paths, { ...piece, node: 'cp2', bytes: broken() }), { message: 'the node went away' })
  t.same(readdirSync(join(paths.backups, 'r1')), ['cp1-etcd.age'])
})

t.test('the token of REST: made once, kept, refused where others may read it or it is weak', async (t) => {
  const path = join(t.testdir(), 'rest', 'token')
  const token = await readOrMakeToken(path)
  t.match(token, /^[\w-]{43}$/)
  t.equal(await readOrMakeToken(path), token)
  t.equal(statSync(path).mode & 0o777, 0o600)
  chmodSync(path, 0o640)
  await t.rejects(readOrMakeToken(path), { code: 'USAGE', remedy: /chmod 600/ })
  chmodSync(path, 0o600)
  writeFileSync(path, 'secret\n')
  await t.rejects(readOrMakeToken(path), { code: 'USAGE', message: /shorter/ })
})

t.test('an init that was cut off can be run again; a whole one cannot', async (t) => {
  const folder = join(t.testdir({ state: { fleet: { 'ca.key': 'half' } } }), 'state')
  await initState(folder)
  t.ok(existsSync(statePaths(folder).caCert))
  await t.rejects(initState(folder), { code: 'STATE_EXISTS' })
  await t.rejects(initState('/dev/null/state'), { code: 'USAGE', remedy: /--state/ })
})

t.test('the default folder of root and of everybody else', async (t) => {
  t.equal(defaultStateFolder({}, 0), '/var/lib/quorate')
  t.equal(defaultStateFolder({ XDG_STATE_HOME: '/x' }, 1000), '/x/quorate')
  t.match(defaultStateFolder({}, 1000), /\/\.local\/state\/quorate$/)
})

t.test('nodes that are recorded at the same moment are all recorded', async (t) => {
  const paths = await initState(join(t.testdir(), 'state'))
  const node = (index: number) => ({
    ...{ name: parseNodeName(`cp${index}`), agent: `10.0.0.${index}:7445` },
    ...{ enrolledAt: 0, certificateExpiresAt: 0 },
  })
  await Promise.all(Array.from({ length: 20 }, (_, index) => recordNode(paths, node(index))))
  t.equal((await enrolledNodes(paths)).length, 20)
})
