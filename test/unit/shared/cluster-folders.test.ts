import { certificatesDirOf, etcdDataDirOf, folderProblem } from '@quorate/shared/cluster-folders'
import t from 'tap'

t.test('folders that a cluster may have', async (t) => {
  for (const path of ['/etc/kubernetes/pki', '/etc/kubernetes/ssl', '/etc/ssl/k8s', '/etc/ssl/etcd/ssl', '/data/etcd'])
    t.equal(folderProblem(path), undefined, path)
  for (const path of [
    '/var/lib/etcd',
    '/srv/k8s.io/pki',
    '/opt/kubernetes/certs',
    '/mnt/ssd-1/etcd',
    '/var/lib/rancher/x',
  ])
    t.equal(folderProblem(path), undefined, path)
})

t.test('folders that it may not', async (t) => {
  const system = ['/', '/etc', '/usr', '/data', '/var/lib', '/etc/ssl', '/etc/ssl/certs', '/etc/kubernetes', '/tmp/pki']
  const others = ['/etc/ssh', '/etc/systemd/system', '/proc/1', '/run/etcd', '/home/me/pki', '/var/lib/quorate-agent/x']
  const strange = [
    '',
    'pki',
    '/etc/../etc/shadow',
    '/etc/k8s/./pki',
    '/etc/k8s/',
    '/etc//k8s',
    '/etc/k8s pki',
    '/a\n/b',
  ]
  for (const path of [...system, ...others, ...strange, `/etc/${'x'.repeat(300)}`])
    t.ok(folderProblem(path), JSON.stringify(path))
})

const hostPaths = [{ path: '/etc/ssl/k8s', type: '', mountPath: '/etc/ssl/k8s' }]

t.test('where an API server says they are', async (t) => {
  const flags = {
    'client-ca-file': '/etc/ssl/k8s/ca.crt',
    'service-account-signing-key-file': '/etc/ssl/k8s/sa.key',
    'tls-cert-file': '/etc/ssl/k8s/apiserver.crt',
  }
  t.equal(certificatesDirOf({ flags, hostPaths }), '/etc/ssl/k8s')
  const own = { ...flags, 'tls-cert-file': '/etc/letsencrypt/apiserver.crt', 'client-ca-file': '/etc/own/bundle.pem' }
  t.equal(
    certificatesDirOf({ flags: { ...own, 'service-account-key-file': '/etc/ssl/k8s/sa.pub' }, hostPaths }),
    '/etc/ssl/k8s',
  )
  t.equal(certificatesDirOf({ flags: {}, hostPaths: [] }), undefined)
  const mounted = [{ path: '/data/pki', type: '', mountPath: '/etc/ssl/k8s' }]
  t.equal(certificatesDirOf({ flags, hostPaths: mounted }), '/data/pki', 'on the node, not in the container')
})

t.test('where etcd says its data are', async (t) => {
  t.equal(etcdDataDirOf({ flags: { 'data-dir': '/data/etcd/' }, hostPaths: [] }), '/data/etcd')
  const mounted = [{ path: '/data/etcd', type: '', mountPath: '/var/lib/etcd' }]
  t.equal(etcdDataDirOf({ flags: { 'data-dir': '/var/lib/etcd' }, hostPaths: mounted }), '/data/etcd')
  t.equal(etcdDataDirOf({ flags: {}, hostPaths: [] }), undefined)
})
