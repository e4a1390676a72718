import { rmSync } from 'node:fs'
import { renderHaproxy } from '@quorate/shared/load-balancer-config'
import t from 'tap'
import { applyLoadBalancer } from '../../../../agent/src/ops/apply-load-balancer.js'
import { backUpFiles } from '../../../../agent/src/ops/back-up-files.js'
import { maskSecrets } from '../../../../agent/src/ops/facts/foreign-config.js'
import { stopLoadBalancer } from '../../../../agent/src/ops/stop-load-balancer.js'
import { testLoadBalancer } from '../../../../agent/src/ops/test-load-balancer.js'
import { OpsNode, rejected } from '../../../support/ops-node.js'

const haproxyConfig = '/etc/quorate-haproxy/haproxy.cfg'
const keepalivedConfig = '/etc/quorate-keepalived/keepalived.conf'
const haproxyUnit = '/etc/systemd/system/quorate-haproxy.service'
const keepalivedUnit = '/etc/systemd/system/quorate-keepalived.service'
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

t.test('starts both by units of their own, reloads what changed, touches nothing twice', async (t) => {
  const node = await OpsNode.make(t)
  const result = await node.change(applyLoadBalancer, request)
  t.strictSame(node.serviceCommands(), ['enable --now quorate-haproxy', 'enable --now quorate-keepalived'])
  t.match(node.read(haproxyConfig), 'server k8smaster1.example.com 192.168.13.30:6443')
  t.match(node.read(keepalivedConfig), /interface host0[\s\S]*192\.168\.13\.100\/24/)
  t.match(node.read(haproxyUnit), `ExecStart=/usr/sbin/haproxy -Ws -f ${haproxyConfig} `)
  t.match(node.read(keepalivedUnit), `--use-file=${keepalivedConfig} `)
  t.strictSame(
    result.touched,
    [haproxyConfig, haproxyUnit, keepalivedConfig, keepalivedUnit].map((name) => ({
      name,
      sha256Before: '',
      sha256After: node.sha256(name),
    })),
  )
  t.equal((await node.change(applyLoadBalancer, request)).unchanged, true)
  t.equal(node.serviceCommands().length, 2)
  const wider = await node.change(applyLoadBalancer, { ...request, backends: [first, second] })
  t.strictSame(
    node.serviceCommands().slice(2),
    ['reload-or-restart quorate-haproxy'],
    'keepalived has nothing to reload',
  )
  t.strictSame(
    wider.touched.map(({ name }) => name),
    [haproxyConfig],
  )
  t.match(await node.tools.host.list('/run/quorate-agent'), [
    { name: 'quorate-haproxy.loaded' },
    { name: 'quorate-keepalived.loaded' },
  ])
})

t.test('an agent that died between the file and the reload', async (t) => {
  const node = await OpsNode.make(t)
  await node.change(applyLoadBalancer, request)
  node.program('systemd-run', 'case "$*" in *" -- ss "*) exec ss -Htlnp ;; esac; exit 1')
  const wider = { ...request, backends: [first, second] }
  t.equal((await rejected(node.change(applyLoadBalancer, wider))).code, 'COMMAND_FAILED')
  t.match(node.read(haproxyConfig), 'k8smaster2')
  const repaired = await OpsNode.make(t)
  node.program('systemd-run', repaired.read('/stand-ins/systemd-run'))
  process.env['PATH'] = `${node.path('/stand-ins')}:/usr/bin:/bin`
  t.equal((await node.change(applyLoadBalancer, wider)).unchanged, false)
  t.equal(node.serviceCommands().at(-1), 'reload-or-restart quorate-haproxy', 'the file was right, what ran was not')
})

/** Shapes that people give their own: none may be touched, whether it runs or not. */
const theirs: Record<string, string> = {
  "a package's file without a frontend": debianDefault,
  'a frontend of their own': 'frontend shop\n  bind *:80\n  default_backend shop\n',
  "the package's example with a frontend of their own added":
    '# Example configuration for a possible web application.\nfrontend main\n    bind *:5000\nfrontend shop\n  bind *:80\n',
  'an empty file': '',
}

for (const [what, text] of Object.entries(theirs))
  for (const state of ['active', 'inactive'])
    t.test(`${what}, ${state}: stays as it is beside ours, there and back`, async (t) => {
      const node = await OpsNode.make(t)
      const main = 'include conf.d/*.conf\n'
      node.write('/etc/haproxy/haproxy.cfg', text, 0o640)
      node.write('/etc/keepalived/keepalived.conf', main)
      node.unit('haproxy', state, 'enabled')
      node.unit('keepalived', state, 'enabled')
      const before = await node.tools.host.tree('/etc')
      await node.change(applyLoadBalancer, request)
      await node.change(applyLoadBalancer, { ...request, backends: [first, second] })
      t.equal(node.read('/etc/haproxy/haproxy.cfg'), text)
      t.equal(node.read('/etc/keepalived/keepalived.conf'), main)
      await node.change(stopLoadBalancer, {})
      t.strictSame(await node.tools.host.tree('/etc'), before)
      t.strictSame(
        node.serviceCommands().filter((line) => !line.includes('quorate-')),
        [],
        'their services were not told anything',
      )
      t.strictSame(node.serviceCommands().slice(-4), [
        'disable --now quorate-keepalived',
        'reset-failed quorate-keepalived',
        'disable --now quorate-haproxy',
        'reset-failed quorate-haproxy',
      ])
      t.equal((await node.change(stopLoadBalancer, {})).unchanged, true)
    })

t.test('what an earlier release put into the place of the package stays there, and is undone there', async (t) => {
  const node = await OpsNode.make(t)
  const [config, unit] = ['/etc/haproxy/haproxy.cfg', 'haproxy']
  node.write(config, debianDefault, 0o640)
  node.unit(unit, 'active', 'enabled')
  await node.change(backUpFiles, { includeApiObjects: false })
  // As that release left it.
  node.write(config, renderHaproxy({ port: 8443, backends: [first], version: '2.6.12' }), 0o640)
  node.write('/run/ss-listening', 'LISTEN 0 4096 *:8443 *:* users:(("haproxy",pid=7,fd=5))\n')
  const alone = { ...request, virtualIp: '' }
  await node.change(applyLoadBalancer, { ...alone, backends: [first, second] })
  t.match(node.read(config), 'k8smaster2')
  t.equal(node.sha256(haproxyConfig), undefined)
  t.strictSame(node.serviceCommands(), ['reload-or-restart haproxy'])
  await node.change(stopLoadBalancer, {})
  t.equal(node.read(config), debianDefault)
  t.equal(node.mode(config), 0o640)
  t.strictSame(node.serviceCommands().slice(1), ['reload-or-restart haproxy'])
})

t.test('files are written as the haproxy of the node takes them', async (t) => {
  const node = await OpsNode.make(t)
  node.program('haproxy', 'case "$1" in -v) echo "HA-Proxy version 1.8.27-493ce0b 2020/11/06" ;; esac')
  await node.change(applyLoadBalancer, request)
  t.match(
    node.read(haproxyConfig),
    '  option httpchk GET /readyz\n  http-check expect status 200\n  default-server check check-ssl verify none',
  )
  t.notMatch(node.read(haproxyConfig), 'http-check connect')
})

t.test('a test of the files starts nothing, leaves nothing, and says who refuses what', async (t) => {
  const node = await OpsNode.make(t)
  const test = () => testLoadBalancer.run(request, node.tools, new AbortController().signal)
  const before = await node.tools.host.tree('/')
  t.same(await test(), { refused: [] })
  node.write('/run/haproxy-refuses', '')
  t.match(await test(), {
    refused: [{ path: haproxyConfig, program: 'haproxy', said: '[ALERT] parsing: unknown keyword' }],
  })
  rmSync(node.path('/run/haproxy-refuses'))
  node.write('/run/unit-is-bad', '')
  t.match(await test(), {
    refused: [
      {
        path: haproxyUnit,
        program: 'systemd',
        said: 'quorate-haproxy.service:9: Command /usr/sbin/haproxy is not executable',
      },
      { path: keepalivedUnit, program: 'systemd' },
    ],
  })
  rmSync(node.path('/run/unit-is-bad'))
  const files = (tree: typeof before) => tree.filter(({ kind }) => kind === 'file').map(({ path }) => path)
  t.same(files(await node.tools.host.tree('/')), files(before))
  t.strictSame(node.serviceCommands(), [])
})

t.test("another haproxy's port is not shared with it", async (t) => {
  const node = await OpsNode.make(t)
  node.write('/run/ss-listening', 'LISTEN 0 4096 *:8443 *:* users:(("haproxy",pid=7,fd=5))\n')
  t.equal((await rejected(node.change(applyLoadBalancer, request))).code, 'PORT_IN_USE')
  t.equal(node.sha256(haproxyConfig), undefined)
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
  node.write('/etc/os-release', 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n')
  const onRocky = await rejected(node.change(applyLoadBalancer, request))
  t.match(onRocky.remedy, '`dnf install haproxy keepalived`')
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

t.test('nothing is started if the sockets of the node cannot be read: its port might be taken', async (t) => {
  const node = await OpsNode.make(t)
  node.program('ss', 'echo "Cannot open netlink socket" >&2; exit 255')
  t.equal((await rejected(node.change(applyLoadBalancer, request))).code, 'COMMAND_FAILED')
  t.strictSame(node.serviceCommands(), [])
})
