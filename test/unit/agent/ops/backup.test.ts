import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { sha256Hex } from '@quorate/shared/hash'
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import t from 'tap'
import type { KubeApi } from '../../../../agent/src/host/kube-api.js'
import { backUpFiles } from '../../../../agent/src/ops/back-up-files.js'
import { backupFolder } from '../../../../agent/src/ops/context/paths.js'
import { readBackup } from '../../../../agent/src/ops/read-backup.js'
import { restoreBackup } from '../../../../agent/src/ops/restore-backup.js'
import { rewriteKubeconfig } from '../../../../agent/src/ops/rewrite-kubeconfig.js'
import { OpsNode, rejected, runId } from '../../../support/ops-node.js'

const folder = backupFolder('/var/lib/quorate-agent', runId)
const server = 'https://apiserver.example.com:8443'

function controlPlane(node: OpsNode): void {
  for (const name of ['admin.conf', 'kubelet.conf', 'scheduler.conf', 'controller-manager.conf', 'manifests', 'pki']) {
    node.copy(`v1.37.2/before/${name}`, `/etc/kubernetes/${name}`)
  }
  node.write('/etc/kubernetes/pki/apiserver.key', 'the key', 0o600)
  node.write('/etc/kubernetes/audit/policy.yaml', 'kind: Policy\n')
  node.write('/etc/hosts', '127.0.0.1 localhost\n')
  node.copy('v1.37.2/before/admin.conf', '/root/.kube/config')
}

/** ConfigMaps as an API server keeps them: a replacement of what somebody else changed meanwhile is refused. */
function configMaps(texts: Record<string, Record<string, string>>) {
  const objects = new Map(
    Object.entries(texts).map(
      ([path, data]) => [path, { metadata: { resourceVersion: '1' as string }, data }] as const,
    ),
  )
  const kube: Pick<KubeApi, 'get' | 'replace'> = {
    get: async <T>(path: string) => structuredClone(objects.get(path)) as T | undefined,
    replace: async <T>(path: string, body: unknown) => {
      const wanted = body as { metadata: { resourceVersion: string }; data: Record<string, string> }
      const version = objects.get(path)?.metadata.resourceVersion
      if (version !== wanted.metadata.resourceVersion) throw new QuorateError('DRIFT', 'the object has been modified')
      objects.set(path, { ...wanted, metadata: { resourceVersion: String(Number(version) + 1) } })
      return wanted as T
    },
  }
  return { kube: kube as KubeApi, objects }
}

const clusterInfo = '/api/v1/namespaces/kube-public/configmaps/cluster-info'

t.test('keeps what is there and what is not, and puts both back', async (t) => {
  const node = await OpsNode.make(t)
  controlPlane(node)
  const before = Object.fromEntries(
    ['admin.conf', 'pki/apiserver.key'].map((name) => [name, node.sha256(`/etc/kubernetes/${name}`)]),
  )
  const result = await node.change(backUpFiles, { includeApiObjects: false })
  t.equal(result.facts['/etc/kubernetes/admin.conf'], before['admin.conf'])
  t.equal(result.facts['/etc/kubernetes/audit/policy.yaml'], sha256Hex('kind: Policy\n'), 'all of /etc/kubernetes')
  t.equal(result.facts['/root/.kube/config'], before['admin.conf'])
  t.equal(result.facts['/etc/haproxy/haproxy.cfg'], '', 'its absence')
  t.equal(node.mode(`${folder}/files/etc/kubernetes/pki/apiserver.key.age`), 0o600)
  t.equal(node.mode('/var/lib/quorate-agent/backup.key'), 0o600)
  t.equal(node.mode(folder), 0o700)

  const rewritten = await node.change(rewriteKubeconfig, { purpose: 'admin', path: '', server, expectedSha256: '' })
  node.write('/etc/haproxy/haproxy.cfg', 'ours')
  const left = rewritten.touched[0]?.sha256After ?? ''
  t.equal((await node.change(backUpFiles, { includeApiObjects: false })).unchanged, true, 'the first copy stays')
  const restored = await node.change(restoreBackup, { name: '/etc/kubernetes/admin.conf', expectedSha256: left })
  t.equal(node.sha256('/etc/kubernetes/admin.conf'), before['admin.conf'])
  t.equal(restored.touched[0]?.sha256Before, left)
  const again = await node.change(restoreBackup, { name: '/etc/kubernetes/admin.conf', expectedSha256: left })
  t.equal(again.unchanged, true)
  await node.change(restoreBackup, { name: '/etc/haproxy/haproxy.cfg', expectedSha256: sha256Hex('ours') })
  t.equal(node.sha256('/etc/haproxy/haproxy.cfg'), undefined)
})

t.test('a removed file comes back with its mode', async (t) => {
  const node = await OpsNode.make(t)
  controlPlane(node)
  await node.change(backUpFiles, { includeApiObjects: false })
  const path = '/etc/kubernetes/pki/apiserver.key'
  await node.tools.host.remove(path)
  await node.change(restoreBackup, { name: path, expectedSha256: '' })
  t.equal(node.read(path), 'the key')
  t.equal(node.mode(path), 0o600)
})

t.test('what somebody else changed is left alone', async (t) => {
  const node = await OpsNode.make(t)
  controlPlane(node)
  await node.change(backUpFiles, { includeApiObjects: false })
  node.write('/etc/hosts', '10.0.0.1 theirs\n')
  const error = await rejected(node.change(restoreBackup, { name: '/etc/hosts', expectedSha256: sha256Hex('ours') }))
  t.equal(error.code, 'DRIFT')
  t.equal(node.read('/etc/hosts'), '10.0.0.1 theirs\n')
  t.equal(
    (await rejected(node.change(restoreBackup, { name: '/etc/shadow', expectedSha256: '' }))).code,
    'BACKUP_MISSING',
  )
})

t.test('a copy that is damaged, or whose key is gone, is never put back', async (t) => {
  const node = await OpsNode.make(t)
  controlPlane(node)
  await node.change(backUpFiles, { includeApiObjects: false })
  node.write('/etc/hosts', 'ours')
  const [kept, key] = [`${folder}/files/etc/hosts.age`, '/var/lib/quorate-agent/backup.key']
  const [whole, own] = [readFileSync(join(node.root, kept)), node.read(key)]
  const restored = () => node.change(restoreBackup, { name: '/etc/hosts', expectedSha256: sha256Hex('ours') })
  const refused = async (why: RegExp, what: string) => {
    const { code, message } = await rejected(restored())
    t.match({ code, message }, { code: 'BACKUP_MISSING', message: why }, what)
    t.equal(node.read('/etc/hosts'), 'ours', what)
  }
  for (const length of [0, 1, 40, whole.length - 1]) {
    node.write(kept, whole.subarray(0, length))
    await refused(/it is damaged/, `${length} bytes of ${whole.length}`)
  }
  for (const at of [0, 60, whole.length - 20]) {
    const bent = Buffer.from(whole)
    bent.writeUInt8(bent.readUInt8(at) ^ 1, at)
    node.write(kept, bent)
    await refused(/it is damaged/, `byte ${at}`)
  }
  node.write(kept, whole)
  node.write(key, 'AGE-SECRET-KEY-1NONE')
  await refused(/backup\.key is not a key/, 'a key that is none')
  rmSync(join(node.root, key))
  await refused(/the key of this node's backups, is gone/, 'without the key')
  node.write(key, own ?? '')
  await restored()
  t.equal(node.read('/etc/hosts'), '127.0.0.1 localhost\n')
})

t.test('no byte of a key is kept in clear, and the pinned operator opens what the node does', async (t) => {
  const node = await OpsNode.make(t)
  controlPlane(node)
  const identity = await generateX25519Identity()
  await node.tools.pins.keep('backup-recipient', [await identityToRecipient(identity)])
  await node.change(backUpFiles, { includeApiObjects: false })
  for (const name of readdirSync(join(node.root, folder), { recursive: true, encoding: 'utf8' })) {
    const path = join(node.root, folder, name)
    if (lstatSync(path).isFile() && !name.endsWith('index.json'))
      t.match(readFileSync(path, 'latin1'), /^age-encryption\.org\/v1\n/, name)
  }
  const operator = new Decrypter()
  operator.addIdentity(identity)
  const kept = readFileSync(join(node.root, `${folder}/files/etc/kubernetes/pki/apiserver.key.age`))
  t.equal(await operator.decrypt(kept, 'text'), 'the key')
})

t.test('a recipient that is none is never pinned, and one that was is named with what to correct', async (t) => {
  const node = await OpsNode.make(t)
  controlPlane(node)
  const none = `age1${'q'.repeat(58)}`
  const read = async () => {
    const request = { runId, kind: 'files', recipient: none }
    for await (const _ of readBackup.run(request, node.tools, new AbortController().signal)) t.fail('nothing is read')
  }
  t.equal((await rejected(read())).code, 'INVALID_REQUEST')
  t.equal(await node.tools.pins.pinned('backup-recipient'), undefined)
  await node.change(backUpFiles, { includeApiObjects: false })

  const other = await OpsNode.make(t)
  controlPlane(other)
  other.write('/var/lib/quorate-agent/pinned-backup-recipient', none)
  const { code, remedy } = await rejected(other.change(backUpFiles, { includeApiObjects: false }))
  t.match(
    { code, remedy },
    { code: 'AGENT_CONFIG_INVALID', remedy: /backupRecipient.*remove .*pinned-backup-recipient/ },
  )
})

t.test('what an agent of an earlier version kept in clear is put back and leaves the node', async (t) => {
  const node = await OpsNode.make(t)
  controlPlane(node)
  const [name, text] = ['/etc/hosts', 'as it was\n']
  const entry = { kind: 'file', name, sha256: sha256Hex(text), mode: 0o644, uid: 0, gid: 0 }
  node.write(`${folder}/files${name}`, text)
  node.write(`${folder}/index.json`, JSON.stringify({ runId, entries: [entry], units: {} }))
  await node.change(restoreBackup, { name, expectedSha256: sha256Hex('127.0.0.1 localhost\n') })
  t.equal(node.read(name), text)
})

t.test('ConfigMaps: only the one text goes back', async (t) => {
  const { kube, objects } = configMaps({ [clusterInfo]: { kubeconfig: 'old', 'jws-kubeconfig-abcdef': 'signature' } })
  const node = await OpsNode.make(t, kube)
  const result = await node.change(backUpFiles, { includeApiObjects: true })
  t.equal(result.facts['configmap/kube-public/cluster-info'], sha256Hex('old'))
  t.equal(result.facts['configmap/kube-system/kube-proxy'], '', 'a cluster without kube-proxy')
  objects.set(clusterInfo, {
    metadata: { resourceVersion: '7' },
    data: { kubeconfig: 'new', 'jws-kubeconfig-ghijkl': 'newer' },
  })
  const name = 'configmap/kube-public/cluster-info'
  const drifted = await rejected(node.change(restoreBackup, { name, expectedSha256: sha256Hex('other') }))
  t.equal(drifted.code, 'DRIFT')
  await node.change(restoreBackup, { name, expectedSha256: sha256Hex('new') })
  t.strictSame(objects.get(clusterInfo)?.data, { kubeconfig: 'old', 'jws-kubeconfig-ghijkl': 'newer' })
})

t.test('leaves the node only encrypted, as an archive that tar opens', async (t) => {
  const node = await OpsNode.make(t)
  controlPlane(node)
  await node.change(backUpFiles, { includeApiObjects: false })
  const identity = await generateX25519Identity()
  const operator = new Decrypter()
  operator.addIdentity(identity)
  const recipient = await identityToRecipient(identity)
  const read = async (kind: string): Promise<Buffer> => {
    const chunks: Buffer[] = []
    const request = { runId, kind, recipient }
    for await (const { chunk } of readBackup.run(request, node.tools, new AbortController().signal)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }
  const sealed = await read('files')
  t.notMatch(sealed.toString('latin1'), 'the key')
  const path = join(t.testdir(), 'backup.tar')
  mkdirSync(join(path, '..', 'out'))
  writeFileSync(path, await operator.decrypt(sealed))
  t.equal(
    execFileSync('tar', ['-xOf', path, 'files/etc/kubernetes/pki/apiserver.key'], { encoding: 'utf8' }),
    'the key',
  )
  t.match(execFileSync('tar', ['-xOf', path, 'index.json'], { encoding: 'utf8' }), `"runId": "${runId}"`)
  t.equal((await rejected(read('etcd'))).code, 'BACKUP_MISSING')
  node.write(`${folder}/etcd-snapshot.db`, Buffer.alloc(700_000, 7))
  t.ok(Buffer.from(await operator.decrypt(await read('etcd'))).equals(Buffer.alloc(700_000, 7)))
  t.equal((await rejected(read('etc'))).code, 'INVALID_REQUEST')
})
