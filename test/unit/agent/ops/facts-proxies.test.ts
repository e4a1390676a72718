import t from 'tap'
import { readProxies } from '../../../../agent/src/ops/facts/proxies.js'
import { OpsNode } from '../../../support/ops-node.js'

const dropIn = '/etc/systemd/system/kubelet.service.d/http-proxy.conf'

t.test('a kubelet behind a proxy: where it is set and who is left out, never the proxy itself', async (t) => {
  const node = await OpsNode.make(t)
  t.same(await readProxies(node.tools.host), [])
  node.write(dropIn, '[Service]\nEnvironment="HTTPS_PROXY=http://u:p@192.0.2.1:3128" "NO_PROXY=10.0.0.0/8,.svc"\n')
  t.same(await readProxies(node.tools.host), [{ program: 'kubelet', where: dropIn, noProxy: '10.0.0.0/8,.svc' }])
  node.write('/etc/default/kubelet', 'https_proxy=http://192.0.2.1:3128\nno_proxy=example.com\n')
  t.match(await readProxies(node.tools.host), [{ where: dropIn }], 'the unit has the last word')
  node.write(dropIn, '[Service]\n# Environment=HTTPS_PROXY=http://192.0.2.1:3128\nEnvironment=HTTPS_PROXY=\n')
  t.same(await readProxies(node.tools.host), [], 'none where it is taken back')
})

t.test('what every unit has is of kubeadm too, which runs in one of its own', async (t) => {
  const node = await OpsNode.make(t)
  const where = '/etc/systemd/system.conf.d/proxy.conf'
  node.write(where, '[Manager]\nDefaultEnvironment="https_proxy=http://192.0.2.1:3128"\n')
  node.write('/etc/sysconfig/kubelet', 'NO_PROXY=example.com\n')
  t.same(await readProxies(node.tools.host), [
    { program: 'kubelet', where, noProxy: 'example.com' },
    { program: 'kubeadm', where, noProxy: '' },
  ])
})

t.test('a file that a drop-in names as EnvironmentFile counts more than the drop-in', async (t) => {
  const node = await OpsNode.make(t)
  node.write(dropIn, '[Service]\nEnvironment=NO_PROXY=a\nEnvironmentFile=-/etc/environment\nEnvironmentFile=%E/x\n')
  t.same(await readProxies(node.tools.host), [])
  node.write('/etc/environment', 'HTTPS_PROXY="http://192.0.2.1:3128"\nNO_PROXY="b,c"\n')
  t.same(await readProxies(node.tools.host), [{ program: 'kubelet', where: '/etc/environment', noProxy: 'b,c' }])
})
