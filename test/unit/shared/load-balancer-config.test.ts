import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isQuorateConfig, renderHaproxy, renderKeepalived } from '@quorate/shared/load-balancer-config'
import { placeOf } from '@quorate/shared/load-balancer-place'
import { renderLoadBalancerUnit } from '@quorate/shared/load-balancer-unit'
import t from 'tap'

const golden = (name: string): string =>
  readFileSync(new URL(`../../fixtures/load-balancer/${name}`, import.meta.url), 'utf8')

const backends = [1, 2, 3].map((n) => ({
  name: `k8smaster${n}.example.com`,
  address: `192.168.13.${29 + n}`,
  port: 6443,
}))
const vrrp = {
  virtualIp: '192.168.13.100',
  interfaceName: 'eth0',
  prefixLength: 24,
  virtualRouterId: 100,
  priority: 101,
  ownAddress: '192.168.13.30',
  peers: backends.map(({ address }) => address),
  port: 8443,
}

t.test('golden files', async (t) => {
  t.equal(renderHaproxy({ port: 8443, backends }), golden('haproxy.cfg'))
  t.equal(renderKeepalived(vrrp), golden('keepalived.conf'))
  for (const version of ['1.8.27', '2.0.33', '2.1.12'])
    t.equal(renderHaproxy({ port: 8443, backends, version }), golden('haproxy-before-2.2.cfg'), version)
  for (const version of ['2.2.9', '2.6.12', '3.0.11'])
    t.equal(renderHaproxy({ port: 8443, backends, version }), golden('haproxy.cfg'), version)
  for (const program of ['haproxy', 'keepalived'] as const)
    t.equal(renderLoadBalancerUnit(placeOf(program, {}), ''), golden(`quorate-${program}.service`), program)
})

t.test('the program is where the machine has it', async (t) => {
  const unit = renderLoadBalancerUnit(placeOf('haproxy', {}), '/usr/local/sbin/haproxy')
  t.equal(unit.match(/=\/usr\/local\/sbin\/haproxy -Ws /g)?.length, 2)
  for (const path of ['haproxy', '/usr/sbin/haproxy -x', '/a\nExecStartPre=/b'])
    t.throws(() => renderLoadBalancerUnit(placeOf('haproxy', {}), path), { code: 'INVALID_REQUEST' })
})

t.test('a file of an earlier release keeps its place, each program by itself', async (t) => {
  t.equal(placeOf('haproxy', { '/etc/haproxy/haproxy.cfg': 'x' }).unit, 'haproxy')
  t.equal(placeOf('keepalived', { '/etc/haproxy/haproxy.cfg': 'x' }).unit, 'quorate-keepalived')
  t.equal(placeOf('haproxy', { '/etc/quorate-haproxy/haproxy.cfg': 'x' }).unit, 'quorate-haproxy')
})

t.test('only the backends given, in their order', async (t) => {
  const servers = (text: string): string[] => {
    const [checked, unchecked] = text.split('\nbackend ').slice(1)
    const lines = checked?.match(/^ {2}server .*$/gm) ?? []
    t.strictSame(unchecked?.match(/^ {2}server .*$/gm) ?? [], lines)
    return lines
  }
  t.strictSame(servers(renderHaproxy({ port: 1, backends: backends.slice(0, 1) })), [
    '  server k8smaster1.example.com 192.168.13.30:6443',
  ])
  t.strictSame(servers(renderHaproxy({ port: 1, backends: [] })), [])
  t.strictSame(servers(renderHaproxy({ port: 1, backends: [{ name: 'a', address: 'fd00::1', port: 2 }] })), [
    '  server a [fd00::1]:2',
  ])
  t.match(renderHaproxy({ port: 1, backends, checkTimeoutMs: 700 }), /timeout check 700ms/)
})

t.test('IPv6: brackets everywhere, and both families are listened on', async (t) => {
  const six = backends.map(({ name, port }, index) => ({ name, port, address: `fd00:13::${30 + index}` }))
  const text = renderHaproxy({ port: 8443, backends: six })
  t.match(text, '  bind [::]:8443 v4v6\n')
  t.match(text, '  server k8smaster1.example.com [fd00:13::30]:6443\n')
  t.match(renderHaproxy({ port: 8443, backends: six, bindAddress: '::1' }), '  bind [::1]:8443\n')
  t.match(renderHaproxy({ port: 8443, backends }), '  bind *:8443\n')
  if (installed('haproxy')) {
    const { code, output } = judge(t, text, ['haproxy', '-c', '-f', 'FILE'])
    t.equal(code, 0, output)
  }
  const peers = six.map(({ address }) => address)
  const keepalived = renderKeepalived({
    ...vrrp,
    virtualIp: 'fd00:13::100',
    prefixLength: 64,
    ownAddress: 'fd00:13::30',
    peers,
  })
  t.match(keepalived, 'unicast_src_ip fd00:13::30')
  t.match(keepalived, 'fd00:13::100/64 dev eth0')
})

t.test('where anonymous requests are refused, a refusal is a sign of life', async (t) => {
  t.match(renderHaproxy({ port: 1, backends, acceptRefusal: true }), '  http-check expect rstatus ^(200|401|403)$\n')
  t.match(renderHaproxy({ port: 1, backends, acceptRefusal: false }), '  http-check expect status 200\n')
})

t.test('a node is not a peer of itself', async (t) => {
  const peers = (own: string): string =>
    /unicast_peer \{\n([^}]*)\}/.exec(renderKeepalived({ ...vrrp, ownAddress: own }))?.[1] ?? ''
  t.notMatch(peers('192.168.13.31'), '192.168.13.31')
  t.match(peers('192.168.13.31'), /192\.168\.13\.30\n\s+192\.168\.13\.32/)
})

t.test('ours and not ours', async (t) => {
  t.ok(isQuorateConfig(golden('haproxy.cfg')))
  t.ok(isQuorateConfig(golden('keepalived.conf')))
  for (const text of ['', 'global\n', `# mine\n${golden('haproxy.cfg')}`, 'global\n# Written by Quorate; not'])
    t.notOk(isQuorateConfig(text))
})

t.test('nothing that could be another directive gets in', async (t) => {
  const bad = { code: 'INVALID_REQUEST' }
  const [one] = backends
  if (one === undefined) throw new Error('no backend')
  t.throws(() => renderHaproxy({ port: 0, backends }), bad)
  t.throws(() => renderHaproxy({ port: 65536, backends }), bad)
  t.throws(() => renderHaproxy({ port: 1, backends: [one, one] }), bad)
  t.throws(() => renderHaproxy({ port: 1, backends, checkTimeoutMs: 0 }), bad)
  for (const change of [
    { name: 'a b' },
    { name: 'a\nbind *:1' },
    { name: '' },
    { address: 'k8smaster1' },
    { port: 1.5 },
  ]) {
    t.throws(() => renderHaproxy({ port: 1, backends: [{ ...one, ...change }] }), bad, JSON.stringify(change))
  }
  for (const change of [
    { virtualIp: 'a' },
    { interfaceName: 'eth0 {' },
    { interfaceName: '' },
    { prefixLength: 33 },
    { virtualRouterId: 0 },
    { virtualRouterId: 256 },
    { priority: 255 },
    { ownAddress: '' },
    { peers: ['1.2.3.4\n}'] },
    { port: 0 },
  ]) {
    t.throws(() => renderKeepalived({ ...vrrp, ...change }), bad, JSON.stringify(change))
  }
})

const installed = (program: string): boolean => spawnSync(program, ['-v']).error === undefined

/** What a program says of a configuration file. */
function judge(
  t: { testdir(): string },
  text: string,
  [program, ...args]: [string, ...string[]],
): { code: number | null; output: string } {
  const file = join(t.testdir(), 'file.conf')
  writeFileSync(file, text)
  const { status, stdout, stderr } = spawnSync(
    program,
    args.map((arg) => arg.replace('FILE', file)),
    { encoding: 'utf8' },
  )
  return { code: status, output: stdout + stderr }
}

t.test('haproxy itself accepts it', { skip: installed('haproxy') ? false : 'haproxy is not installed' }, async (t) => {
  for (const count of [0, 1, 3]) {
    t.strictSame(
      judge(t, renderHaproxy({ port: 8443, backends: backends.slice(0, count) }), [
        'haproxy',
        '-c',
        '-q',
        '-f',
        'FILE',
      ]),
      { code: 0, output: '' },
    )
  }
  const six = renderHaproxy({ port: 8443, backends: [{ name: 'a', address: 'fd00::1', port: 6443 }] })
  t.equal(judge(t, six, ['haproxy', '-c', '-f', 'FILE']).code, 0, 'IPv6')
  t.not(judge(t, `${six}\nnonsense`, ['haproxy', '-c', '-f', 'FILE']).code, 0, 'and it is a judge')
})

t.test(
  'keepalived itself accepts it',
  { skip: installed('keepalived') ? false : 'keepalived is not installed' },
  async (t) => {
    // The interface must exist where the file is tested; everything else is said line by line.
    const said = (text: string): string[] =>
      judge(t, text, ['keepalived', '--config-test', '--use-file=FILE'])
        .output.split('\n')
        .filter((line) => line !== '' && !/interface/i.test(line))
    t.strictSame(said(renderKeepalived(vrrp)), [])
    t.strictSame(
      said(
        renderKeepalived({
          ...vrrp,
          virtualIp: 'fd00::100',
          prefixLength: 64,
          ownAddress: 'fd00::1',
          peers: ['fd00::1', 'fd00::2'],
        }),
      ),
      [],
      'IPv6',
    )
    t.not(said(renderKeepalived(vrrp).replace('nopreempt', 'nonsense')).length, 0, 'and it is a judge')
  },
)
