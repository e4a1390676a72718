import { shutBy, type Traffic } from '@quorate/coordinator/conversion/facts/firewall-rules'
import t from 'tap'

const traffic: Traffic = {
  from: ['192.168.13.31', '192.168.13.32'],
  ports: [6443, 2379, 2380, 10250, 8443],
  vrrp: true,
  interfaceName: 'eth0',
}
const none = { firewalldZones: '', firewalldProblem: '', ufwActive: false, ufwFiles: {} }

/** firewall-cmd --list-all-zones of RHEL 9. */
const zones = (
  fields: Partial<Record<'target' | 'sources' | 'services' | 'ports' | 'protocols', string>>,
  rich = '',
) => `block
  target: %%REJECT%%
  icmp-block-inversion: no
  interfaces: 
  sources: 
  services: 
  ports: 
  protocols: 
  forward: yes
  masquerade: no
  forward-ports: 
  source-ports: 
  icmp-blocks: 
  rich rules: 

public (active)
  target: ${fields.target ?? 'default'}
  icmp-block-inversion: no
  interfaces: eth0
  sources: ${fields.sources ?? ''}
  services: ${fields.services ?? 'cockpit dhcpv6-client ssh'}
  ports: ${fields.ports ?? ''}
  protocols: ${fields.protocols ?? ''}
  forward: yes
  masquerade: no
  forward-ports: 
  source-ports: 
  icmp-blocks: 
  rich rules: 
${rich}
trusted
  target: ACCEPT
  icmp-block-inversion: no
  interfaces: 
  sources: 
  services: 
  ports: 
  protocols: 
`
const firewalld = (...of: Parameters<typeof zones>) => shutBy({ ...none, firewalldZones: zones(...of) }, traffic)

t.test('firewalld: what is missing, with the command that opens it in its zone', async (t) => {
  t.match(firewalld({}), {
    ports: [6443, 2379, 2380, 10250, 8443],
    vrrp: true,
    evidence: 'firewalld, zone public: ports: (none); protocols: (none)',
    remedy:
      'On that node: firewall-cmd --permanent --zone=public --add-port=6443/tcp --add-port=2379/tcp --add-port=2380/tcp --add-port=10250/tcp --add-port=8443/tcp --add-protocol=vrrp && firewall-cmd --reload',
  })
  t.match(firewalld({ ports: '6443/tcp 2379-2380/tcp 10250/tcp 8443/udp' }), { ports: [8443], vrrp: true })
  t.match(firewalld({ services: 'kube-control-plane ssh', ports: '8443/tcp' }), { ports: [], vrrp: true })
  t.match(firewalld({ ports: '1-65535/tcp' }), { remedy: /--zone=public --add-protocol=vrrp &&/ })
})

t.test('firewalld: nothing where all of it passes', async (t) => {
  t.equal(firewalld({ ports: '1-65535/tcp', protocols: 'vrrp' }), undefined)
  t.equal(firewalld({ target: 'ACCEPT' }), undefined)
  const rich = '\trule family="ipv4" source address="192.168.13.0/24" accept\n'
  t.equal(firewalld({}, rich), undefined)
  t.match(firewalld({}, rich.replace('13.0/24', '14.0/24')), { vrrp: true })
  t.match(firewalld({}, rich.replace(' accept', ' drop')), { vrrp: true })
  t.match(firewalld({ ports: '1-65535/tcp' }, '\trule protocol value="vrrp" accept\n') ?? 'all', 'all')
  t.match(firewalld({ protocols: '112' }, '\trule family="ipv4" port port="8443" protocol="tcp" accept\n'), {
    ports: [6443, 2379, 2380, 10250],
    vrrp: false,
  })
  t.equal(shutBy(none, traffic), undefined, 'no firewall')
})

t.test('firewalld: a zone of sources judges before that of the interface', async (t) => {
  const trusted = zones({}).replace(
    'trusted\n  target: ACCEPT\n  icmp-block-inversion: no\n  interfaces: \n  sources: ',
    'trusted (active)\n  target: ACCEPT\n  icmp-block-inversion: no\n  interfaces: \n  sources: 192.168.13.0/24',
  )
  t.equal(shutBy({ ...none, firewalldZones: trusted }, traffic), undefined)
  const half = trusted.replace('192.168.13.0/24', '192.168.13.31')
  t.match(shutBy({ ...none, firewalldZones: half }, traffic), { ports: traffic.ports, vrrp: true })
})

const ufw = (rules: string, files: Record<string, string> = {}) =>
  shutBy({ ...none, ufwActive: true, ufwFiles: { '/etc/ufw/user.rules': rules, ...files } }, traffic)
const tuple = (text: string) => `### tuple ### ${text}\n`
const everyPort = tuple('allow tcp 6443,2379:2380,10250,8443 0.0.0.0/0 any 0.0.0.0/0 in')

t.test('ufw: what is missing; VRRP needs a rule for all that a machine sends', async (t) => {
  t.match(ufw(tuple('allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in')), {
    ports: traffic.ports,
    vrrp: true,
    evidence: 'ufw: allow tcp 22 from 0.0.0.0/0',
    remedy: 'On that node: ufw allow from 192.168.13.31 && ufw allow from 192.168.13.32',
  })
  t.match(ufw(everyPort), { ports: [], vrrp: true })
  t.match(ufw('', { '/etc/ufw/before.rules': '-A ufw-before-input -p 112 -j ACCEPT\n' }), {
    vrrp: false,
    remedy: 'On that node: ufw allow proto tcp to any port 6443,2379,2380,10250,8443',
  })
  t.match(ufw(everyPort, { '/etc/ufw/before.rules': '# -A ufw-before-input -p 112 -j ACCEPT\n' }), { vrrp: true })
  const denied = tuple('deny tcp 6443 0.0.0.0/0 any 192.168.13.32 in') + everyPort
  t.match(ufw(denied), { ports: [6443] }, 'the first rule that fits')
  t.match(
    ufw(tuple('allow any any 0.0.0.0/0 any 192.168.13.0/24 out')),
    { ports: traffic.ports },
    'the other direction',
  )
})

t.test('ufw: nothing where all of it passes', async (t) => {
  t.equal(ufw(everyPort, { '/etc/ufw/before.rules': '-A ufw-before-input -p vrrp -j ACCEPT\n' }), undefined)
  t.equal(ufw(tuple('allow any any 0.0.0.0/0 any 192.168.13.0/24 in')), undefined)
  t.equal(ufw('', { '/etc/default/ufw': 'DEFAULT_INPUT_POLICY="ACCEPT"\n' }), undefined)
})
