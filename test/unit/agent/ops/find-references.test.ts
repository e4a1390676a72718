import t from 'tap'
import { findReferences } from '../../../../agent/src/ops/find-references.js'
import { OpsNode } from '../../../support/ops-node.js'

const never = new AbortController().signal
const find = ['192.168.13.30', 'k8smaster1.example.com']

t.test('files that name the first control plane, each by path and line, in every place of the table', async (t) => {
  const node = await OpsNode.make(t)
  const server = 'server: https://192.168.13.30:6443'
  node.write('/etc/kubernetes/kubelet.conf', `clusters:\n- cluster:\n    ${server}\n`)
  node.write('/etc/kubernetes/manifests/etcd.yaml', 'kubeadm writes it: 192.168.13.30\n')
  node.write('/etc/kubernetes/manifests/kube-vip.yaml', `value: 192.168.13.30\n`)
  node.write('/etc/cni/net.d/calico-kubeconfig', `${server}\n`)
  node.write(
    '/etc/systemd/system/backup.service.d/api.conf',
    '[Service]\nEnvironment=API=https://k8smaster1.example.com:6443\n',
  )
  node.write('/etc/default/exporter', 'ARGS=--api=https://192.168.13.30:6443 --token=abcdef.0123456789abcdef\n')
  node.write('/etc/prometheus/rules/x.yml', '- targets: [192.168.13.30:6443]\n')
  node.write('/home/eve/.kube/config', `# mine\n${server}\n`)
  node.link('/root/.kube/config', '/etc/kubernetes/kubelet.conf')
  // Near, but not it.
  node.write('/etc/default/other', '192.168.13.300 xk8smaster1.example.com\n')
  node.write('/etc/default/binary', Buffer.from('\x0192.168.13.30'))
  node.write('/etc/kubernetes/pki/apiserver.crt', '192.168.13.30')
  const { references, skipped } = await findReferences.run({ find }, node.tools, never)
  t.same(
    [...references].sort((a, b) => (a.where < b.where ? -1 : 1)),
    [
      { where: '/etc/cni/net.d/calico-kubeconfig line 1', line: server },
      { where: '/etc/default/exporter line 1', line: 'ARGS=--api=https://192.168.13.30:6443 --token=[redacted]' },
      { where: '/etc/kubernetes/kubelet.conf line 3', line: server },
      { where: '/etc/kubernetes/manifests/kube-vip.yaml line 1', line: 'value: 192.168.13.30' },
      { where: '/etc/prometheus/rules/x.yml line 1', line: '- targets: [192.168.13.30:6443]' },
      {
        where: '/etc/systemd/system/backup.service.d/api.conf line 2',
        line: 'Environment=API=https://k8smaster1.example.com:6443',
      },
      { where: '/home/eve/.kube/config line 2', line: server },
      { where: '/root/.kube/config line 3', line: server },
    ],
  )
  t.same(skipped, [])
})

t.test('what is too large is said, what is asked for by nobody is not read', async (t) => {
  const node = await OpsNode.make(t)
  node.write('/etc/default/huge', `${'x'.repeat(300_000)}\n192.168.13.30\n`)
  node.write('/etc/default/long', `${'y'.repeat(5_000)} 192.168.13.30 ${'z'.repeat(5_000)}\n`)
  const { references, skipped } = await findReferences.run({ find }, node.tools, never)
  t.same(skipped, ['/etc/default/huge'])
  t.equal(references.length, 1)
  t.match(references[0]?.line, /y 192\.168\.13\.30 z/)
  t.ok((references[0]?.line.length ?? 0) <= 200)
  t.same(await findReferences.run({ find: [] }, node.tools, never), { references: [], skipped: [] })
})
