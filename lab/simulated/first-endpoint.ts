import { hostPort } from './host-port.js'
import { machineOf, type Site } from './site.js'

/**
 * Makes the original endpoint of the cluster reach its API server: only the name if the port is the API server's, otherwise haproxy and
 * keepalived on the load balancer machine, which was set up long ago. It checks all machines: those that do not serve are down.
 */
export async function leadToFirst(site: Site, endpoint: string, virtualIp: string): Promise<void> {
  const machines = [...site.nodes.values()].filter(({ role }) => role === 'control-plane')
  const [first] = machines
  if (first === undefined) throw new Error('a cluster needs a control plane')
  const [host = '', port = ''] = endpoint.split(':')
  site.network.dns.set(host, port === '6443' ? first.address : virtualIp)
  if (port === '6443') return
  const balancer = [...site.nodes.values()].find(({ role }) => role === 'load-balancer')
  if (balancer === undefined) throw new Error(`nothing can listen on ${port} without a machine for a load balancer`)
  const servers = machines.map(({ name, address }) => `  server ${name} ${hostPort(address, 6443)} check verify none`)
  const haproxy = [
    'defaults',
    '  mode tcp',
    'frontend api',
    `  bind *:${port}`,
    '  default_backend api',
    'backend api',
    '  option httpchk GET /readyz',
    '  default-server inter 500ms fall 2 rise 1',
    ...servers,
  ]
  balancer.write('/etc/haproxy/haproxy.cfg', `${haproxy.join('\n')}\n`, 0o644)
  const keepalived = [
    'vrrp_instance api {',
    '  state BACKUP',
    '  virtual_router_id 51',
    '  priority 100',
    '  virtual_ipaddress {',
    `    ${virtualIp}/24`,
    '  }',
    '}',
  ]
  balancer.write('/etc/keepalived/keepalived.conf', `${keepalived.join('\n')}\n`, 0o644)
  await machineOf(site, balancer.name).units.control(['enable', 'haproxy', 'keepalived'])
}
