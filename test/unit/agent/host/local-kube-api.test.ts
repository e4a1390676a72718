import { connectKubeApi } from '@quorate/agent/host/local-kube-api'
import { createFleetCa, issueCertificate } from '@quorate/shared/issue-certificate'
import t from 'tap'
import { adminConf, controlPlaneNode } from '../../../support/control-plane-node.js'

const path = '/api/v1/namespaces/kube-system/configmaps/kubeadm-config'

t.test('asks the local API server, whatever server admin.conf names', async (t) => {
  const node = await controlPlaneNode(t)
  const kube = await connectKubeApi(node.host)
  const found = await kube.get<{ data: Record<string, string> }>(path)
  t.match(found?.data['ClusterConfiguration'], 'kubernetesVersion: v1.37.2')
  t.equal(await kube.get('/api/v1/namespaces/kube-system/configmaps/none'), undefined)
})

t.test('keeps one connection for all operations of a host, and makes another for other credentials', async (t) => {
  const node = await controlPlaneNode(t)
  for (let count = 0; count < 5; count++) await (await connectKubeApi(node.host)).get(path)
  t.equal(node.api.connections(), 1)
  const pair = issueCertificate({
    ca: node.ca,
    commonName: 'other',
    organizations: [],
    dnsNames: [],
    ipAddresses: [],
    days: 1,
    usage: 'client',
  })
  node.write('/etc/kubernetes/admin.conf', adminConf(node.ca, pair, 'https://192.0.2.1:8443'))
  await (await connectKubeApi(node.host)).get(path)
  t.equal(node.api.connections(), 2)
})

t.test('what is asked all at once is asked over the same connections the next time', async (t) => {
  const node = await controlPlaneNode(t)
  const kube = await connectKubeApi(node.host)
  const aDozen = () => Promise.all(Array.from({ length: 12 }, () => kube.get(path)))
  await aDozen()
  const made = node.api.connections()
  await aDozen()
  await aDozen()
  t.equal(node.api.connections(), made)
})

t.test('survives a restart of the API server between two questions', async (t) => {
  const node = await controlPlaneNode(t)
  const kube = await connectKubeApi(node.host)
  await kube.get(path)
  node.api.drop()
  t.ok(await kube.get(path))
})

t.test('what can be asked twice waits for etcd to choose its leader, a write and another failure do not', async (t) => {
  const node = await controlPlaneNode(t)
  const kube = await connectKubeApi(node.host)
  node.api.refuse(2, 'etcdserver: request timed out')
  t.ok(await kube.get(path))
  node.api.refuse(1, 'etcdserver: leader changed')
  await kube.remove(path)
  t.equal(await kube.get(path), undefined)
  node.api.refuse(1, 'etcdserver: leader changed')
  await t.rejects(
    kube.create('/api/v1/namespaces/kube-system/configmaps', { metadata: { name: 'x' } }),
    /leader changed/,
  )
  node.api.refuse(1, 'etcdserver: mvcc: database space exceeded')
  await t.rejects(kube.get(path), /space exceeded/)
})

t.test('a write that somebody else forestalled is a drift, another refusal is in the server words', async (t) => {
  const node = await controlPlaneNode(t)
  const kube = await connectKubeApi(node.host)
  const object = (await kube.get<Record<string, unknown>>(path)) as Record<string, unknown>
  await kube.replace(path, object)
  await t.rejects(kube.replace(path, object), { code: 'DRIFT', message: /has been modified/ })
  await t.rejects(kube.replace(`${path}-none`, object), {
    code: 'API_SERVER_REFUSED',
    message: /404: .*kubeadm-config-none not found/,
  })
  await t.rejects(kube.create('/api/v1/namespaces/kube-system/configmaps', { metadata: { name: 'kubeadm-config' } }), {
    code: 'API_SERVER_REFUSED',
    message: /409: .*already exists/,
  })
  await kube.remove('/api/v1/namespaces/kube-system/configmaps/none')
})

t.test('trusts nobody but the CA of admin.conf', async (t) => {
  const node = await controlPlaneNode(t)
  const foreign = createFleetCa('foreign')
  const pair = issueCertificate({
    ca: foreign,
    commonName: 'a',
    organizations: [],
    dnsNames: [],
    ipAddresses: [],
    days: 1,
    usage: 'client',
  })
  node.write('/etc/kubernetes/admin.conf', adminConf(foreign, pair, 'https://192.0.2.1:8443'))
  const kube = await connectKubeApi(node.host)
  await t.rejects(kube.get(path), { code: 'API_SERVER_REFUSED', message: /certificate|self.signed/ })
})

t.test('refuses a certificate that is not for the address', async (t) => {
  const node = await controlPlaneNode(t)
  node.api.reload(
    issueCertificate({
      ca: node.ca,
      commonName: 'x',
      organizations: [],
      dnsNames: ['other'],
      ipAddresses: ['192.0.2.9'],
      days: 1,
      usage: 'server',
    }),
  )
  await t.rejects((await connectKubeApi(node.host)).get(path), { code: 'API_SERVER_REFUSED', message: /127\.0\.0\.1/ })
})

t.test('a node without admin.conf or manifest is no control plane; an abort is no refusal', async (t) => {
  const node = await controlPlaneNode(t)
  await t.rejects((await connectKubeApi(node.host)).get(path, AbortSignal.abort(new Error('stop'))), {
    message: 'stop',
  })
  await node.host.remove('/etc/kubernetes/admin.conf')
  await t.rejects(connectKubeApi(node.host), { code: 'ADMIN_KUBECONFIG_MISSING' })
  await node.host.remove('/etc/kubernetes/manifests/kube-apiserver.yaml')
  await t.rejects(connectKubeApi(node.host), { code: 'NOT_A_CONTROL_PLANE' })
})
