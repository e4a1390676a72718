import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeArchive } from '@quorate/agent/ops/backup/archive'
import { type BackupKind, backupStore } from '@quorate/coordinator/state/backups'
import { initState } from '@quorate/coordinator/state/init'
import { Encrypter } from 'age-encryption'
import t from 'tap'

const run = '20261122t221530-ab12cd'
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

/** A state folder with backups as agents send them. */
async function kept(t: { testdir(): string }, pieces: Readonly<Record<string, Uint8Array>>) {
  const paths = await initState(join(t.testdir(), 'state'))
  mkdirSync(join(paths.backups, run))
  for (const [name, bytes] of Object.entries(pieces)) {
    const encrypter = new Encrypter()
    encrypter.addRecipient(readFileSync(paths.backupRecipient, 'utf8').trim())
    writeFileSync(join(paths.backups, run, `${name}.age`), await encrypter.encrypt(bytes))
  }
  const store = backupStore(paths)
  return { paths, store, find: (node: string, kind: BackupKind) => store.find(run, node, kind) }
}

const pages = Buffer.alloc(3 * 4096, 7)
const snapshot = Buffer.concat([pages, sha256(pages)])

function archive(change: (files: Map<string, Buffer>) => void = () => {}): Buffer {
  const conf = Buffer.from('server: https://old:6443\n')
  const map = Buffer.from('apiServer: {}\n')
  const entries = [
    {
      kind: 'file',
      name: '/etc/kubernetes/admin.conf',
      sha256: sha256(conf).toString('hex'),
      mode: 0o600,
      uid: 0,
      gid: 0,
    },
    { kind: 'object', name: 'configmap/kube-system/kubeadm-config', sha256: sha256(map).toString('hex') },
    { kind: 'absent', name: '/etc/haproxy/haproxy.cfg' },
  ]
  const files = new Map([
    ['index.json', Buffer.from(JSON.stringify({ runId: run, entries, units: {} }))],
    ['files/etc/kubernetes/admin.conf', conf],
    ['objects/configmap_kube-system_kubeadm-config', map],
  ])
  change(files)
  const list = [...files].map(([path, bytes]) => ({ path, bytes, mode: 0o600, uid: 0, gid: 0 }))
  return Buffer.concat([...writeArchive(list)])
}

t.test('lists what is there, opens it and compares every hash', async (t) => {
  const { store, find } = await kept(t, { 'cp1.example.com-etcd': snapshot, 'cp1.example.com-files': archive() })
  t.match(
    (await store.list()).map(({ run, node, kind }) => [run, node, kind]),
    [
      [run, 'cp1.example.com', 'etcd'],
      [run, 'cp1.example.com', 'files'],
    ],
  )
  const etcd = await find('cp1.example.com', 'etcd')
  t.match(await store.verify(etcd), {
    plainBytes: snapshot.length,
    sha256: sha256(readFileSync(etcd.path)).toString('hex'),
  })
  t.match(await store.verify(await find('cp1.example.com', 'files')), { files: 2 })
  await t.rejects(store.find(run, 'cp2.example.com', 'etcd'), { code: 'BACKUP_MISSING' })
})

t.test('whatever was changed is found', async (t) => {
  const torn = Buffer.from(snapshot)
  torn[100] = 8
  const { store, find, paths } = await kept(t, {
    'torn-etcd': torn,
    'short-etcd': snapshot.subarray(0, 5000),
    'good-etcd': snapshot,
    'missing-files': archive((files) => files.delete('files/etc/kubernetes/admin.conf')),
    'other-files': archive((files) => files.set('files/etc/kubernetes/admin.conf', Buffer.from('other'))),
    'bare-files': archive((files) => files.delete('index.json')),
    'text-files': Buffer.from('no archive'.repeat(100)),
    'leaving-files': archive((files) => files.set('../outside', Buffer.from('x'))),
  })
  for (const [node, kind, message] of [
    ['torn', 'etcd', /not the one that etcd sent/],
    ['short', 'etcd', /not a snapshot/],
    ['missing', 'files', /admin.conf is not in it/],
    ['other', 'files', /another sha256/],
    ['bare', 'files', /no index/],
    ['text', 'files', /header/],
    ['leaving', 'files', /leaves its folder/],
  ] as const)
    await t.rejects(store.verify(await find(node, kind)), { code: 'BACKUP_DAMAGED', message }, node)
  const good = await find('good', 'etcd')
  truncateSync(good.path, good.bytes - 20)
  await t.rejects(store.verify(good), { code: 'BACKUP_DAMAGED', message: /changed or cut off/ })
  const other = await initState(join(paths.folder, '..', 'other'))
  writeFileSync(paths.backupIdentity, readFileSync(other.backupIdentity))
  await t.rejects(store.verify(await find('torn', 'etcd')), { code: 'BACKUP_DAMAGED', message: /identity/ })
})

t.test('restores into an empty folder, for its owner alone, and never a damaged one', async (t) => {
  const broken = archive((files) => files.set('files/etc/kubernetes/admin.conf', Buffer.from('other')))
  const { store, find, paths } = await kept(t, { 'cp1-etcd': snapshot, 'cp1-files': archive(), 'cp2-files': broken })
  const to = join(paths.folder, '..', 'to')
  const [path] = await store.restore(await find('cp1', 'etcd'), join(to, 'etcd'))
  t.same(readFileSync(path ?? ''), snapshot)
  t.equal(statSync(path ?? '').mode & 0o777, 0o600)
  await store.restore(await find('cp1', 'files'), join(to, 'files'))
  const conf = join(to, 'files/files/etc/kubernetes/admin.conf')
  t.equal(readFileSync(conf, 'utf8'), 'server: https://old:6443\n')
  t.equal(statSync(conf).mode & 0o777, 0o600)
  t.equal(statSync(join(to, 'files/files')).mode & 0o777, 0o700)
  await t.rejects(store.restore(await find('cp1', 'etcd'), to), { code: 'USAGE', message: /not empty/ })
  await t.rejects(store.restore(await find('cp2', 'files'), join(to, 'cp2')), { code: 'BACKUP_DAMAGED' })
  t.throws(() => statSync(join(to, 'cp2')), 'nothing was written')
})
