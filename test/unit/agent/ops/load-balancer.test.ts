import t from 'tap'
import { applyLoadBalancer } from '../../../../agent/src/ops/apply-load-balancer.js'
import { maskSecrets } from '../../../../agent/src/ops/load-balancer/foreign-config.js'
import { stopLoadBalancer } from '../../../../agent/src/ops/stop-load-balancer.js'
import { OpsNode, rejected } from '../../../support/ops-node.js'

const haproxyConfig = '/etc/haproxy/haproxy.cfg'
const keepalivedConfig = '/etc/keepalived/keepalived.conf'
const first = { name: 'k8smaster1.example.com', address: '192.168.13.30', port: 6443 }
const second = { name: 'k8smaster2.example.com', address: '192.168.13.31', port: 6443 }
const request = {
  port: 8443,
  virtualIp: '192.168.13.100',
  backends: [first],
  peers: ['192.168.13.30', '192.168.13.31'],
  ownAddress: '192.168.13.30',
  virtualRouterId: 100,
  priority: 100,
  bindAddress: '',
  acceptRefusal: false,
}
const debianDefault = 'global\n\tlog /dev/log local0\ndefaults\n\tmode http\n'

t.test('starts both, reloads what changed, touches nothing twice', async (t) => {
  const node = await OpsNode.make(t)
  const result = await node.change(applyLoadBalancer, request)
  t.strictSame(node.serviceCommands(), ['enable --now haproxy', 'enable --now keepalived'])
  t.match(node.read(haproxyConfig), 'server k8smaster1.example.com 192.168.13.30:6443')
  t.match(node.read(keepalivedConfig), /interface host0[\s\S]*192\.168\.13\.100\/24/)
  t.strictSame(result.touched, [
    { name: haproxyConfig, sha256Before: '', sha256After: node.sha256(haproxyConfig) },
    { name: keepalivedConfig, sha256Before: '', sha256After: node.sha256(keepalivedConfig) },
  ])
  t.equal((await node.change(applyLoadBalancer, request)).unchanged, true)
  t.equal(node.serviceCommands().length, 2)
  const wider = await node.change(applyLoadBalancer, { ...request, backends: [first, second] })
  t.strictSame(node.serviceCommands().slice(2), ['reload-or-restart haproxy'], 'keepalived has nothing to reload')
  t.strictSame(
    wider.touched.map(({ name }) => name),
    [haproxyConfig],
  )
  t.match(await node.tools.host.list('/run/quorate-agent'), [{ name: 'haproxy.loaded' }, { name: 'keepalived.loaded' }])
})

t.test('an agent that died between the file and the reload', async (t) => {
  const node = await OpsNode.make(t)
  await node.change(applyLoadBalancer, request)
  node.program('systemd-run', 'exit 1')
  const wider = { ...request, backends: [first, second] }
  t.equal((await rejected(node.change(applyLoadBalancer, wider))).code, 'COMMAND_FAILED')
  t.match(node.read(haproxyConfig), 'k8smaster2')
  const mended = await OpsNode.make(t)
  node.program('systemd-run', mended.read('/stand-ins/systemd-run'))
  process.env['PATH'] = `${node.path('/stand-ins')}:/usr/bin:/bin`
  t.equal((await node.change(applyLoadBalancer, wider)).unchanged, false)
  t.equal(node.serviceCommands().at(-1), 'reload-or-restart haproxy', 'the file was right, what ran was not')
})

t.test('stop: what did not run before does not run after', async (t) => {
  const node = await OpsNode.make(t)
  node.write(haproxyConfig, debianDefault, 0o640)
  const before = node.sha256(haproxyConfig)
  await node.change(applyLoadBalancer, request)
  await node.change(applyLoadBalancer, { ...request, backends: [first, second] })
  await node.change(stopLoadBalancer, {})
  t.strictSame(node.serviceCommands().slice(-2), ['disable --now keepalived', 'disable --now haproxy'])
  t.equal(node.sha256(haproxyConfig), before)
  t.equal(node.mode(haproxyConfig), 0o640)
  t.equal(node.sha256(keepalivedConfig), undefined)
  t.equal((await node.change(stopLoadBalancer, {})).unchanged, true)
})

t.test("stop: a package's haproxy that ran goes on with its own file", async (t) => {
  const node = await OpsNode.make(t)
  node.write(haproxyConfig, debianDefault)
  node.unit('haproxy', 'active', 'enabled')
  await node.change(applyLoadBalancer, { ...request, virtualIp: '' })
  t.strictSame(node.serviceCommands(), ['reload-or-restart haproxy'])
  t.equal(node.sha256(keepalivedConfig), undefined, 'no virtual IP, no keepalived')
  await node.change(stopLoadBalancer, {})
  t.equal(node.read(haproxyConfig), debianDefault)
  t.strictSame(node.serviceCommands().slice(1), ['reload-or-restart haproxy'])
})

t.test('a load balancer that is not ours stays', async (t) => {
  const node = await OpsNode.make(t)
  const theirs = 'frontend shop\n  bind *:80\n  default_backend shop\n'
  node.write(haproxyConfig, theirs)
  node.unit('haproxy', 'active', 'enabled')
  const error = await rejected(node.change(applyLoadBalancer, request))
  t.equal(error.code, 'DRIFT')
  t.match(error.remedy, 'external')
  t.equal(node.read(haproxyConfig), theirs)
  t.equal((await node.change(stopLoadBalancer, {})).unchanged, true)
  t.strictSame(node.serviceCommands(), [])
})

t.test('refusals come before anything is written', async (t) => {
  const node = await OpsNode.make(t)
  const refusal = async (change: object): Promise<string> =>
    (await rejected(node.change(applyLoadBalancer, { ...request, ...change }))).code
  t.equal(await refusal({ backends: [] }), 'INVALID_REQUEST')
  t.equal(await refusal({ backends: [{ ...first, port: 8443 }] }), 'INVALID_REQUEST', 'itself')
  t.equal(await refusal({ backends: [{ ...first, name: 'a\n  server evil 1.2.3.4:1' }] }), 'INVALID_REQUEST')
  t.equal(await refusal({ peers: ['192.168.13.31'] }), 'INVALID_REQUEST')
  t.equal(await refusal({ ownAddress: '10.0.0.9', peers: ['10.0.0.9'] }), 'INVALID_REQUEST', 'no interface holds it')
  node.write('/run/ss-listening', 'LISTEN 0 511 *:8443 *:* users:(("nginx",pid=3,fd=6))\n')
  t.equal(await refusal({}), 'PORT_IN_USE')
  node.write('/run/ss-listening', '')
  node.write('/run/haproxy-refuses', '')
  t.equal(await refusal({}), 'COMMAND_FAILED')
  node.removeProgram('keepalived')
  const missing = await rejected(node.change(applyLoadBalancer, request))
  t.match(missing.remedy, 'apt-get install haproxy keepalived')
  t.equal(node.sha256(haproxyConfig), undefined)
  t.strictSame(node.serviceCommands(), [])
})

t.test('secrets of a foreign configuration are masked', async (t) => {
  const masked = maskSecrets(
    '  auth_pass hunter2\n  user ann insecure-password hunter3\n  stats auth ann:hunter4\n  bind *:80',
  )
  t.notMatch(masked, 'hunter')
  t.match(masked, 'bind *:80')
})
