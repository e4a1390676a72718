import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { kubeadmFolders } from '@quorate/shared/cluster-folders'
import { sha256Hex } from '@quorate/shared/hash'
import t from 'tap'
import { writeArchive } from '../../../../agent/src/ops/backup/archive.js'
import { readSharedFiles } from '../../../../agent/src/ops/facts/shared-files.js'
import { lookAtPaths } from '../../../../agent/src/ops/look-at-paths.js'
import { placeSharedFiles } from '../../../../agent/src/ops/place-shared-files.js'
import { restoreBackup } from '../../../../agent/src/ops/restore-backup.js'
import { sealSharedFiles } from '../../../../agent/src/ops/seal-shared-files.js'
import { isShareable } from '../../../../agent/src/ops/shared-files/shareable.js'
import { sealedBy } from '../../../support/node-identities.js'
import { OpsNode, rejected, runId } from '../../../support/ops-node.js'

const manifest = '/etc/kubernetes/manifests/kube-apiserver.yaml'
const encryption = '/etc/kubernetes/enc/keys.yaml'
const secret = 'kind: EncryptionConfiguration # aescbc key of the cluster\n'

/** A first control plane whose API server was given an encryption configuration and a folder of admission configuration. */
async function firstControlPlane(t: Parameters<typeof OpsNode.make>[0]): Promise<OpsNode> {
  const node = await OpsNode.make(t, undefined, 'k8smaster1.example.com')
  node.copy('v1.37.2/before/manifests', '/etc/kubernetes/manifests')
  const mounts = ['/etc/kubernetes/enc', '/etc/kubernetes/admission', '/data/elsewhere']
  const text = node
    .read(manifest)
    .replace('    - --secure-port=6443', `    - --secure-port=6443\n    - --encryption-provider-config=${encryption}`)
    .replace(
      '    volumeMounts:',
      `    volumeMounts:\n${mounts.map((path, at) => `    - {mountPath: ${path}, name: m${at}}`).join('\n')}`,
    )
    .replace(
      '  volumes:',
      `  volumes:\n${mounts.map((path, at) => `  - {name: m${at}, hostPath: {path: ${path}}}`).join('\n')}`,
    )
  node.write(manifest, text)
  node.write(encryption, secret, 0o600)
  node.write('/etc/kubernetes/admission/pod/policy.yaml', 'a: b\n', 0o640)
  node.write('/data/elsewhere/file', 'x')
  return node
}

t.test('come to a joiner with their modes, sealed, and go again', async (t) => {
  const first = await firstControlPlane(t)
  const joiner = await OpsNode.make(t)
  const recipients = [joiner.asRecipient]
  const sealed = await first.change(sealSharedFiles, { recipients })
  t.equal(sealed.facts['skipped'], '/data/elsewhere/file')
  t.equal(sealed.sealed.length, 1)
  t.notMatch(JSON.stringify({ ...sealed, sealed: sealed.sealed[0]?.ciphertext.toString('latin1') }), 'aescbc')
  const files = sealed.sealed[0]
  const placed = await joiner.change(placeSharedFiles, { files })
  t.equal(joiner.read(encryption), secret)
  t.equal(joiner.mode(encryption), 0o600)
  t.equal(joiner.mode('/etc/kubernetes/admission/pod/policy.yaml'), 0o640)
  t.equal(joiner.sha256('/data/elsewhere/file'), undefined)
  t.equal(placed.touched.length, 2)
  t.equal((await joiner.change(placeSharedFiles, { files })).unchanged, true)
  for (const { name, sha256After } of placed.touched)
    await joiner.change(restoreBackup, { name, expectedSha256: sha256After })
  t.equal(joiner.sha256(encryption), undefined, 'undone')
})

t.test('nothing is overwritten, and nothing written when one is refused', async (t) => {
  const first = await firstControlPlane(t)
  const joiner = await OpsNode.make(t)
  const recipients = [joiner.asRecipient]
  const files = (await first.change(sealSharedFiles, { recipients })).sealed[0]
  joiner.write(encryption, 'another key')
  const error = await rejected(joiner.change(placeSharedFiles, { files }))
  t.equal(error.code, 'DRIFT')
  t.match(error.remedy, encryption)
  t.notMatch(error.message, 'aescbc')
  t.equal(joiner.sha256('/etc/kubernetes/admission/pod/policy.yaml'), undefined)
})

t.test('what is there behind a link with the same content is there; a link to nothing is told before', async (t) => {
  const first = await firstControlPlane(t)
  const joiner = await OpsNode.make(t)
  joiner.write('/srv/keys.yaml', secret)
  joiner.write('/etc/kubernetes/enc/other', 'x')
  symlinkSync('/srv/keys.yaml', joiner.path(encryption))
  const recipients = [joiner.asRecipient]
  const files = (await first.change(sealSharedFiles, { recipients })).sealed[0]
  const { touched } = await joiner.change(placeSharedFiles, { files })
  t.same(
    touched.map(({ name }) => name),
    ['/etc/kubernetes/admission/pod/policy.yaml'],
  )
  t.equal(joiner.read('/srv/keys.yaml'), secret)
  symlinkSync('/srv/nothing', joiner.path('/etc/kubernetes/enc/gone'))
  const { kinds } = await lookAtPaths.run(
    { paths: ['/etc/kubernetes/enc/gone'] },
    joiner.tools,
    AbortSignal.timeout(10_000),
  )
  t.same(kinds, { '/etc/kubernetes/enc/gone': 'symbolic link to nothing' })
})

t.test('an archive that leads elsewhere is refused', async (t) => {
  const joiner = await OpsNode.make(t)
  for (const path of [
    'etc/sudoers.d/evil',
    '../etc/cron.d/evil',
    'etc/opt/../ssh/sshd_config',
    'root/.ssh/authorized_keys',
  ]) {
    const archive = Buffer.concat([...writeArchive([{ path, mode: 0o644, uid: 0, gid: 0, bytes: Buffer.from('x') }])])
    const files = await sealedBy(joiner.tools.sealing, joiner.asRecipient, archive, { purpose: 'shared-files', runId })
    const error = await rejected(joiner.change(placeSharedFiles, { files }))
    t.equal(error.code, 'NOT_IN_TABLE', path)
  }
  t.strictSame(await joiner.tools.host.list('/etc'), [])
})

t.test('what lies at a path is told by its kind, and hashed only where it could be brought', async (t) => {
  const node = await OpsNode.make(t)
  node.write('/etc/kubernetes/audit.yaml', 'a')
  node.write('/etc/shadow', 'b')
  node.write('/run/kms/plugin.txt', 'c')
  const socket = createServer().listen(`${node.root}/run/kms/s`)
  t.teardown(() => socket.close())
  await once(socket, 'listening')
  const paths = ['/etc/kubernetes/audit.yaml', '/etc/shadow', '/run/kms', '/run/kms/s', '/nowhere']
  t.strictSame(await lookAtPaths.run({ paths }, node.tools, AbortSignal.timeout(10_000)), {
    kinds: {
      '/etc/kubernetes/audit.yaml': 'file',
      '/etc/shadow': 'file',
      '/run/kms': 'directory',
      '/run/kms/s': 'socket',
    },
    sha256: { '/etc/kubernetes/audit.yaml': sha256Hex('a') },
  })
})

t.test('sockets, what is too large and a folder that is cut are facts of the first control plane', async (t) => {
  const node = await firstControlPlane(t)
  node.write('/etc/kubernetes/admission/large', 'x'.repeat(2 ** 20 + 1))
  for (let index = 0; index < 201; index++) node.write(`/etc/kubernetes/enc/many/${index}`, 'x')
  const socket = createServer().listen(`${node.root}/data/elsewhere/s`)
  t.teardown(() => socket.close())
  await once(socket, 'listening')
  const facts = new Map((await readSharedFiles(node.tools.host)).map((one) => [one.path, one]))
  t.match(facts.get('/data/elsewhere/s'), { kind: 'socket', sha256: '', mounted: false })
  t.match(facts.get('/data/elsewhere/file'), { kind: 'file', shareable: false, bytes: 1 })
  t.match(facts.get('/etc/kubernetes/admission/large'), { kind: 'file', sha256: '', bytes: 2 ** 20 + 1 })
  t.match(facts.get('/etc/kubernetes/enc'), { kind: 'directory', cut: true, mounted: true })
  t.notOk(facts.has('/etc/kubernetes/enc/many/1'))
  t.match(facts.get(encryption), { kind: 'file', sha256: sha256Hex(secret) }, 'named by a flag: brought all the same')
})
const folders = { ...kubeadmFolders, manifests: '/etc/kubernetes/manifests' }

t.test('which paths are shared', async (t) => {
  for (const path of [
    '/etc/kubernetes/enc/keys.yaml',
    '/etc/kubernetes/audit.yaml',
    '/etc/kubernetes/patches/kube-scheduler0+strategic.yaml',
    '/var/lib/kubernetes/policy.yaml',
    '/etc/kubernetes/pki/oidc.crt',
    '/etc/etcd/pki/apiserver-etcd-client.key',
    '/etc/ssl/etcd/ssl/node-cp1.pem',
  ]) {
    t.ok(isShareable(path, folders), path)
  }
  for (const path of [
    '/etc/oidc/ca.crt',
    '/etc/etcd/etcd.conf',
    '/etc/etcd',
    '/etc/ssl/certs/ca.pem',
    '/etc/ssl/etcd.crt',
    '/opt/webhook/a',
    '/var/lib/audit/policy.yaml',
    '/etc/logrotate.d/x',
    '/etc/kubernetes/kubelet.conf.d/x.conf',
    '/etc/kubernetes/kube-vip.conf',
    '/etc/shadow',
    '/etc/localtime',
    '/etc/resolv.conf',
    '/etc/cron.daily/x',
    '/etc/systemd/system/x.service',
    '/etc/kubernetes/manifests/x.yaml',
    '/etc/kubernetes/pki/ca.key',
    '/etc/kubernetes/admin.conf',
    '/usr/bin/x',
    '/usr/local/bin/x',
    '/etc',
    'etc/a',
    '/etc//a',
    '/etc/a/',
    '/var/lib/kubelet/config.yaml',
    '/etc/quorate/node.key',
    '/etc/a\nb',
  ]) {
    t.notOk(isShareable(path, folders), path)
  }
})

t.test('what kubeadm makes is never shared, wherever the cluster keeps it', async (t) => {
  const elsewhere = { certificatesDir: '/etc/ssl/k8s', etcdDataDir: '/opt/etcd', manifests: '/etc/kubelet.d' }
  for (const path of [
    '/etc/ssl/k8s/ca.key',
    '/etc/ssl/k8s/etcd/ca.key',
    '/opt/etcd/member/wal',
    '/etc/kubelet.d/x.yaml',
  ])
    t.notOk(isShareable(path, elsewhere), path)
  t.notOk(isShareable('/etc/ssl/k8s/oidc.crt', elsewhere), 'a request may name that folder')
})
