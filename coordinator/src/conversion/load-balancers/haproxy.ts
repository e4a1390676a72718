import type { LoadBalancer } from '../context/load-balancer.js'
import type { ConversionRun } from '../context/run.js'
import { haproxyOn } from './haproxy-on.js'
import { meetBackends } from './meet-backends.js'

/** haproxy and keepalived: one virtual IP, unicast VRRP. */
export function haproxy(run: ConversionRun): LoadBalancer {
  const { file } = run
  const { virtualIP, virtualRouterId, hosts } = file.loadBalancer
  // Dedicated machines where the file has any; else the control planes, including those that have not joined yet.
  const machines = hosts.length > 0 ? hosts : file.controlPlanes
  return haproxyOn(run, {
    name: 'haproxy',
    runBy: 'quorate',
    programs: ['haproxy', 'keepalived'],
    inspect: 'systemctl status quorate-haproxy quorate-keepalived',
    frontends: () => machines.map((node) => ({ node, address: node.address, clients: run.nodes })),
    address: () => virtualIP,
    movingAddress: () => virtualIP,
    hostsAddress: () => (file.policy.manageHosts ? virtualIP : undefined),
    sans: () => (virtualIP === undefined ? [] : [virtualIP]),
    proveBackends: (backends, signal) => meetBackends(run, backends, { seconds: 60, signal }),
    does: `run haproxy on port ${file.endpoint.port} and keepalived for ${virtualIP}`,
    settings: (node) => ({
      bindAddress: '',
      virtualIp: virtualIP ?? '',
      peers: machines.map(({ address }) => address),
      virtualRouterId,
      // The first control plane gets the address where several start at once: it is certain to serve.
      priority: 200 - machines.indexOf(node),
    }),
  })
}
