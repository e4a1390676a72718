import { chmodSync, chownSync, readdirSync } from 'node:fs'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import t from 'tap'
import { applyLoadBalancer } from '../../../../agent/src/ops/apply-load-balancer.js'
import { backUpFiles } from '../../../../agent/src/ops/back-up-files.js'
import { writeArchive } from '../../../../agent/src/ops/backup/archive.js'
import { placeSharedFiles } from '../../../../agent/src/ops/place-shared-files.js'
import { restoreBackup } from '../../../../agent/src/ops/restore-backup.js'
import { rewriteKubeconfig } from '../../../../agent/src/ops/rewrite-kubeconfig.js'
import { stopLoadBalancer } from '../../../../agent/src/ops/stop-load-balancer.js'
import { sweepLeftovers } from '../../../../agent/src/ops/sweep-leftovers.js'
import { writeHostsBlock } from '../../../../agent/src/ops/write-hosts-block.js'
import { sealedBy } from '../../../support/node-identities.js'
import { OpsNode, runId } from '../../../support/ops-node.js'

const isRoot = process.getuid?.() === 0
const server = 'https://apiserver.example.com:8443'

/** Everything below /etc and /root: paths, kinds, modes, owners, bytes. */
const everything = async (node: OpsNode) => [
  ...(await node.tools.host.tree('/etc')),
  ...(await node.tools.host.tree('/root')),
]

async function undo(node: OpsNode, results: readonly OperationResult[]): Promise<void> {
  for (const { touched } of [...results].reverse()) {
    for (const { name, sha256After } of [...touched].reverse())
      await node.change(restoreBackup, { name, expectedSha256: sha256After })
  }
}

t.test('every undo gives back bytes, modes, owners and what was not there, folders too', async (t) => {
  const node = await OpsNode.make(t)
  node.copy('v1.37.2/before/admin.conf', '/etc/kubernetes/admin.conf')
  node.copy('v1.37.2/before/admin.conf', '/root/.kube/config')
  node.write('/etc/hosts', '127.0.0.1 localhost', 0o664)
  node.write('/etc/haproxy/haproxy.cfg', 'global\n  daemon\n', 0o640)
  chmodSync(node.path('/etc/kubernetes/admin.conf'), 0o640)
  if (isRoot) {
    chownSync(node.path('/etc/kubernetes/admin.conf'), 0, 1234)
    chownSync(node.path('/root/.kube/config'), 1000, 1000)
    chownSync(node.path('/etc/haproxy/haproxy.cfg'), 0, 99)
  }
  node.unit('haproxy', 'inactive', 'disabled')
  node.unit('keepalived', 'inactive', 'disabled')
  const before = await everything(node)
  await node.change(backUpFiles, { includeApiObjects: false })
  const shared = [
    ...writeArchive([
      file('etc/kubernetes/audit/deep/policy.yaml', 'a: b\n'),
      file('etc/kubernetes/audit/enc.yaml', 'k: 1\n'),
    ]),
  ]
  const files = await sealed(node, Buffer.concat(shared))
  const results = [
    await node.change(applyLoadBalancer, {
      port: 8443,
      virtualIp: '192.168.13.100',
      backends: [{ name: 'k8smaster1.example.com', address: '192.168.13.30', port: 6443 }],
      peers: ['192.168.13.30'],
      ownAddress: '192.168.13.30',
      bindAddress: '',
      acceptRefusal: false,
      virtualRouterId: 51,
      priority: 100,
    }),
    await node.change(writeHostsBlock, { name: 'apiserver.example.com', address: '192.168.13.100' }),
    await node.change(rewriteKubeconfig, { purpose: 'admin', path: '', server, expectedSha256: '' }),
    await node.change(rewriteKubeconfig, { purpose: 'user', path: '/root/.kube/config', server, expectedSha256: '' }),
    await node.change(placeSharedFiles, { files }),
  ]
  t.notSame(await everything(node), before)
  // Somebody else's hand: the bytes are Quorate's still, the mode is not what it was.
  chmodSync(node.path('/etc/kubernetes/admin.conf'), 0o600)
  await undo(node, results.slice(1))
  await node.change(stopLoadBalancer, {})
  t.same(await everything(node), before)
})

const sealed = (node: OpsNode, archive: Buffer) =>
  sealedBy(node.tools.sealing, node.asRecipient, archive, { purpose: 'shared-files', runId })
const file = (path: string, text: string) => ({ path, mode: 0o600, uid: 0, gid: 0, bytes: Buffer.from(text) })

t.test('a folder in which others put something since is left to them', async (t) => {
  const node = await OpsNode.make(t)
  const archive = Buffer.concat([...writeArchive([file('etc/kubernetes/audit/deep/policy.yaml', 'a: b\n')])])
  const placed = await node.change(placeSharedFiles, { files: await sealed(node, archive) })
  node.write('/etc/kubernetes/audit/theirs', 'x')
  await undo(node, [placed])
  t.same(readdirSync(node.path('/etc/kubernetes/audit')), ['theirs'])
})

t.test('a file whose mode alone was changed is put back too; once it is so, nothing is done', async (t) => {
  const node = await OpsNode.make(t)
  node.write('/etc/kubernetes/admin.conf', 'secret', 0o600)
  await node.change(backUpFiles, { includeApiObjects: false })
  chmodSync(node.path('/etc/kubernetes/admin.conf'), 0o644)
  const request = { name: '/etc/kubernetes/admin.conf', expectedSha256: sha256Hex('other') }
  t.equal((await node.change(restoreBackup, request)).unchanged, false)
  t.equal(node.mode('/etc/kubernetes/admin.conf'), 0o600)
  t.equal((await node.change(restoreBackup, request)).unchanged, true)
})

t.test('what a killed agent left half written is swept, and nothing that looks alike', async (t) => {
  const node = await OpsNode.make(t)
  const ours = [
    '/etc/.hosts.quorate-0123abcd',
    '/etc/kubernetes/pki/.apiserver.key.quorate-deadbeef',
    '/etc/kubernetes/manifests/.etcd.yaml.quorate-deadbeef',
    '/root/.kube/.config.quorate-deadbeef',
    '/home/ada/.kube/.config.quorate-deadbeef',
    '/var/lib/quorate-agent/backups/x/files/.a.quorate-deadbeef',
    '/run/quorate-agent/op-lost/join.yaml',
  ]
  const others = [
    '/etc/.hosts.quorate-0123abcg',
    '/etc/kubernetes/admin.conf.quorate-deadbeef',
    '/etc/deeper/.x.quorate-deadbeef',
    '/home/eve/elsewhere/.config.quorate-deadbeef',
    '/run/quorate-agent/op-followed/join.yaml',
    '/run/quorate-agent/join-secret.json',
  ]
  for (const path of [...ours, ...others]) node.write(path, 'x')
  node.link('/home/eve/.kube', node.path('/home/eve/elsewhere'))
  await sweepLeftovers(node.tools.host, { stateFolder: '/var/lib/quorate-agent', followed: ['op-followed'] })
  t.same(
    ours.filter((path) => node.sha256(path) !== undefined),
    [],
  )
  t.same(
    others.filter((path) => node.sha256(path) === undefined),
    [],
  )
})
