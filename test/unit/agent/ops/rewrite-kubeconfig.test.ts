import t from 'tap'
import { rewriteKubeconfig } from '../../../../agent/src/ops/rewrite-kubeconfig.js'
import { OpsNode, rejected } from '../../../support/ops-node.js'

const server = 'https://apiserver.example.com:8443'
const kubelet = '/etc/kubernetes/kubelet.conf'
const request = { purpose: 'kubelet', path: '', server, expectedSha256: '' }

t.test('changes the server and nothing else', async (t) => {
  const node = await OpsNode.make(t)
  node.copy('v1.37.2/before/kubelet.conf', kubelet)
  node.write(kubelet, `# ours\n${node.read(kubelet)}`, 0o640)
  const [before, text] = [node.sha256(kubelet) ?? '', node.read(kubelet)]
  const result = await node.change(rewriteKubeconfig, { ...request, expectedSha256: before })
  t.equal(node.read(kubelet), text.replace('https://192.168.13.30:6443', server))
  t.equal(node.mode(kubelet), 0o640)
  t.strictSame(result.touched, [{ name: kubelet, sha256Before: before, sha256After: node.sha256(kubelet) }])
  const again = await node.change(rewriteKubeconfig, { ...request, expectedSha256: before })
  t.equal(again.unchanged, true, 'the wanted state is there already, whatever the plan saw')
  t.strictSame(again.touched, [])
})

t.test('a drift stops it, with a diff that holds no secret', async (t) => {
  const node = await OpsNode.make(t)
  const admin = '/etc/kubernetes/admin.conf'
  node.copy('v1.37.2/before/admin.conf', admin)
  const planned = node.sha256(admin) ?? ''
  await node.change(rewriteKubeconfig, { ...request, purpose: 'admin' })
  const key = Buffer.from('-----BEGIN RSA PRIVATE KEY-----\nthis is secret').toString('base64')
  const foreign = node.read(admin).replace(server, 'https://10.9.8.7:6443').replace('cmVtb3ZlZA==', key)
  node.write(admin, foreign)
  const error = await rejected(
    node.change(rewriteKubeconfig, { ...request, purpose: 'admin', expectedSha256: planned }),
  )
  t.equal(error.code, 'DRIFT')
  t.match(error.message, /-\s+server: https:\/\/192\.168\.13\.30:6443\n\+\s+server: https:\/\/10\.9\.8\.7:6443/)
  t.notMatch(error.message, key)
  t.notMatch(error.message, 'cmVtb3ZlZA')
  t.equal(node.read(admin), foreign)
})

t.test('links are refused, also those of folders that a user owns', async (t) => {
  const node = await OpsNode.make(t)
  node.copy('v1.37.2/before/admin.conf', '/etc/kubernetes/admin.conf')
  node.link('/root/.kube/config', '/etc/kubernetes/admin.conf')
  const user = { ...request, purpose: 'user', path: '/root/.kube/config' }
  t.equal((await rejected(node.change(rewriteKubeconfig, user))).code, 'SYMLINK_REFUSED')
  node.copy('v1.37.2/before/admin.conf', '/home/eve/elsewhere/config')
  node.link('/home/eve/.kube', 'elsewhere')
  const linked = await rejected(node.change(rewriteKubeconfig, { ...user, path: '/home/eve/.kube/config' }))
  t.equal(linked.code, 'SYMLINK_REFUSED')
  t.match(node.read('/home/eve/elsewhere/config'), '192.168.13.30:6443')
  node.copy('v1.37.2/before/admin.conf', '/home/ann/.kube/config')
  await node.change(rewriteKubeconfig, { ...user, path: '/home/ann/.kube/config' })
  t.match(node.read('/home/ann/.kube/config'), server)
})

t.test('only what is in the table, only a server', async (t) => {
  const node = await OpsNode.make(t)
  for (const path of ['/etc/shadow', '/home/../etc/.kube/config', '/home/a/b/.kube/config', '/root/.kube/config/']) {
    const error = await rejected(node.change(rewriteKubeconfig, { ...request, purpose: 'user', path }))
    t.equal(error.code, 'NOT_IN_TABLE', path)
  }
  t.equal((await rejected(node.change(rewriteKubeconfig, { ...request, purpose: 'toString' }))).code, 'NOT_IN_TABLE')
  for (const bad of ['http://a:1', 'https://a', 'https://a:1\n  token: x', 'https://a:1/path']) {
    t.equal((await rejected(node.change(rewriteKubeconfig, { ...request, server: bad }))).code, 'INVALID_REQUEST', bad)
  }
  t.equal((await rejected(node.change(rewriteKubeconfig, request))).code, 'KUBECONFIG_INVALID', 'no such file')
})
