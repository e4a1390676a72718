import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { clusterForTest, hashFiles, runOf } from '../../support/simulated-cluster.js'
import type { ExpectedFinding, PublicCase } from './case.js'
import { inFile, together } from './put.js'

const redHat = ["Red Hat's haproxy and keepalived packages: their example files", 'RHEL 9 documentation, keepalived']
const haproxyConfig = '/etc/haproxy/haproxy.cfg'
const keepalivedConfig = '/etc/keepalived/keepalived.conf'

/** What Red Hat's package brings, in short. */
const example = `#---------------------------------------------------------------------
# Example configuration for a possible web application.  See the
# full configuration options online.
#---------------------------------------------------------------------
global
    log         127.0.0.1 local2
    chroot      /var/lib/haproxy
    user        haproxy
    group       haproxy
    daemon
defaults
    mode                    http
    timeout client          1m
    timeout server          1m
frontend main
    bind *:5000
    default_backend             app
backend app
    balance     roundrobin
    server  app1 127.0.0.1:5001 check
`
const shop = (port: number | string): string => `frontend shop\n    bind *:${port}\n    default_backend app\n`
const vrrp = (id: number, address: string): string =>
  `vrrp_instance ingress {\n  interface eth0\n  virtual_router_id ${id}\n  virtual_ipaddress {\n    ${address}\n  }\n}\n`

type Put = (cluster: SimulatedCluster) => Promise<() => Promise<unknown>>

/** The package's service, started at each boot. */
const enabled =
  (node: string, unit: string): Put =>
  async (cluster) => {
    await cluster.sh(node, ['systemctl', 'enable', unit])
    return () => cluster.sh(node, ['systemctl', 'disable', unit])
  }

const file = (node: string, path: string, text: string): Put => inFile(node, path, () => text)

interface Beside {
  readonly id: string
  readonly source?: readonly string[]
  readonly input: string
  readonly answer: string
  readonly put: Put
  readonly finds?: readonly ExpectedFinding[]
}

const beside = ({ id, source = redHat, input, answer, put, finds = [] }: Beside): PublicCase => ({
  ...{ id, kind: 'A2', source, input, answer },
  outcome: finds.length > 0 ? 'blocked' : 'accepted',
  trial: { plan: { put, finds } },
})

const onOurPort = (line: RegExp): ExpectedFinding => ({
  check: 'ports',
  severity: 'error',
  on: 'cp1',
  message: /the operator's haproxy listens on port 8443/,
  evidence: line,
  remedy: /Choose another port|change the line/,
})
const staysBeside = "Theirs is left as it is and runs on; Quorate's runs beside it by a unit of its own."

const clashes: readonly PublicCase[] = [
  beside({
    id: 'haproxy-example-with-a-frontend',
    input: "haproxy.cfg is Red Hat's example with a frontend of the operator's added",
    answer: staysBeside,
    put: together(file('cp1', haproxyConfig, example + shop(80)), enabled('cp1', 'haproxy')),
  }),
  beside({
    id: 'haproxy-example-as-shipped',
    input: "haproxy.cfg is Red Hat's example, word by word, on all control planes, and enabled",
    answer: staysBeside,
    put: together(
      ...['cp1', 'cp2', 'cp3'].flatMap((node) => [file(node, haproxyConfig, example), enabled(node, 'haproxy')]),
    ),
  }),
  beside({
    id: 'keepalived-that-includes',
    input: 'keepalived.conf has nothing but `include conf.d/*.conf`, and a service address of the operator is there',
    answer: staysBeside,
    put: together(
      file('cp1', keepalivedConfig, 'include conf.d/*.conf\n'),
      file('cp1', '/etc/keepalived/conf.d/ingress.conf', vrrp(51, '192.0.2.200/24')),
      enabled('cp1', 'keepalived'),
    ),
  }),
  beside({
    id: 'keepalived-that-includes-our-router-id',
    input: 'an included file of keepalived uses the virtual router id of the cluster file',
    answer: 'An error names the file, the line and the key of the cluster file to change.',
    put: together(
      file('cp2', keepalivedConfig, 'include conf.d/*.conf\n'),
      file('cp2', '/etc/keepalived/conf.d/ingress.conf', vrrp(100, '192.0.2.200/24')),
      enabled('cp2', 'keepalived'),
    ),
    finds: [
      {
        check: 'virtual-router-id',
        severity: 'error',
        on: 'cp2',
        evidence: /conf\.d\/ingress\.conf: virtual_router_id 100 \(line 3\)/,
        remedy: /loadBalancer\.virtualRouterId/,
      },
    ],
  }),
  beside({
    id: 'keepalived-example-not-enabled',
    input: "keepalived.conf is a package's example with the same router id, and keepalived is not enabled",
    answer: 'Nothing runs there: a remark.',
    put: file('cp2', keepalivedConfig, vrrp(100, '192.168.200.16')),
  }),
  beside({
    id: 'haproxy-on-our-port',
    input: "the operator's haproxy.cfg binds the endpoint's port",
    answer: 'An error with file and line: two haproxy would share the connections of one port.',
    put: together(file('cp1', haproxyConfig, example + shop('8443')), enabled('cp1', 'haproxy')),
    finds: [onOurPort(/haproxy\.cfg: bind \*:8443 \(line 22\)/)],
  }),
  beside({
    id: 'haproxy-conf-d-on-our-port',
    source: ['Fedora and RHEL: haproxy.service with CFGDIR=/etc/haproxy/conf.d'],
    input: "a file in /etc/haproxy/conf.d binds a range with the endpoint's port in it",
    answer: 'Found as in haproxy.cfg, with file and line.',
    put: together(
      file('cp1', '/etc/haproxy/conf.d/shop.cfg', shop('8440-8450 ssl crt /etc/ssl/shop.pem')),
      enabled('cp1', 'haproxy'),
    ),
    finds: [onOurPort(/conf\.d\/shop\.cfg: bind \*:8440-8450 .*\(line 2\)/)],
  }),
  beside({
    id: 'haproxy-extraopts-on-our-port',
    source: ["Debian's /etc/default/haproxy: EXTRAOPTS"],
    input: 'EXTRAOPTS names another file, which binds the port on one address',
    answer: 'Found as in haproxy.cfg, with file and line.',
    put: together(
      file('cp1', '/etc/default/haproxy', 'EXTRAOPTS="-S /run/haproxy-master.sock -f /srv/lb/api.cfg"\n'),
      file('cp1', '/srv/lb/api.cfg', 'listen api\n  bind 192.0.2.9:443,192.0.2.9:8443\n'),
      enabled('cp1', 'haproxy'),
    ),
    finds: [onOurPort(/\/srv\/lb\/api\.cfg: bind .*\(line 2\)/)],
  }),
]

const enforcing = (haproxy: string): Put =>
  together(
    file('cp2', '/sys/fs/selinux/enforce', '1'),
    file('cp2', '/sys/fs/selinux/booleans/haproxy_connect_any', haproxy),
    file('cp2', '/sys/fs/selinux/booleans/keepalived_connect_any', '0 0'),
  )

const selinux: readonly PublicCase[] = [
  {
    id: 'selinux-enforcing',
    kind: 'SELinux',
    source: ['haproxy on RHEL: `cannot bind socket`, `General socket error (Permission denied)`', 'haproxy_selinux(8)'],
    input: 'SELinux is enforcing, and haproxy_connect_any is off',
    outcome: 'blocked',
    answer: 'An error with `setsebool -P haproxy_connect_any 1`, before haproxy finds every backend down.',
    trial: {
      plan: {
        put: enforcing('0 0'),
        finds: [
          {
            check: 'selinux',
            severity: 'error',
            on: 'cp2',
            evidence: /haproxy_connect_any --> off/,
            remedy: /setsebool -P haproxy_connect_any 1/,
          },
        ],
      },
    },
  },
  {
    id: 'selinux-enforcing-and-allowed',
    kind: 'SELinux',
    source: ['haproxy_selinux(8)'],
    input: 'SELinux is enforcing, haproxy_connect_any is on, and the endpoint has one of the web ports of the policy',
    outcome: 'accepted',
    answer: 'Nothing is said.',
    trial: { plan: { put: enforcing('1 1'), finds: [] } },
  },
]

const conversion: PublicCase = {
  id: 'own-haproxy-and-keepalived-beside',
  kind: 'A2',
  source: redHat,
  input: "the operator's haproxy and keepalived run on two control planes, in Red Hat's shapes",
  outcome: 'supported',
  answer: 'Converted beside them, verified and rolled back: their files and services are as they were.',
  trial: {
    conversion: async (t) => {
      const cluster = await clusterForTest(t, { workers: 1 })
      const theirs = ['haproxy', 'keepalived']
      for (const node of ['cp1', 'cp2']) {
        await file(node, haproxyConfig, example + shop(8080))(cluster)
        await file(node, keepalivedConfig, 'include conf.d/*.conf\n')(cluster)
        await file(node, '/etc/keepalived/conf.d/ingress.conf', vrrp(51, '127.99.99.99/24'))(cluster)
        await cluster.control.ask('systemctl', { node: cluster.node(node).name, args: ['enable', '--now', ...theirs] })
      }
      const before = hashFiles(cluster)
      const ofTheirs = (files: Record<string, string>) =>
        Object.fromEntries(Object.entries(files).filter(([path]) => /:\/etc\/(haproxy|keepalived)\//.test(path)))
      const active = async () => {
        for (const node of ['cp1', 'cp2'])
          for (const unit of theirs) {
            const { exitCode, stdout, stderr } = await cluster.sh(node, ['systemctl', 'is-active', unit])
            t.equal(exitCode, 0, `${unit} ${node}: ${stdout}${stderr}`)
          }
      }
      const converted = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
      t.equal(converted.exitCode, 0, converted.stdout + converted.stderr)
      t.same(ofTheirs(hashFiles(cluster)), ofTheirs(before))
      await active()
      t.equal((await cluster.quorate(['verify', '-f', cluster.clusterFile])).exitCode, 0)
      const undone = await cluster.quorate(['rollback', runOf(cluster), '--yes'])
      t.equal(undone.exitCode, 0, undone.stdout + undone.stderr)
      await active()
      const etc = (files: Record<string, string>) =>
        Object.keys(files).filter((path) => /:\/etc\/(haproxy|keepalived|systemd|quorate-)/.test(path))
      t.same(etc(hashFiles(cluster)), etc(before), 'nothing of ours is left')
      t.same(ofTheirs(hashFiles(cluster)), ofTheirs(before))
    },
  },
}

/** Machines and load balancers that were there before. */
export const machineCases: readonly PublicCase[] = [...clashes, ...selinux, conversion]
