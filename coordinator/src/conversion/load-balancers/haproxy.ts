import type { ClusterFile, NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'
import { haproxyOn } from './haproxy-on.js'
import { meetBackends } from './meet-backends.js'

/** Machines of its own where the file names any; else the control planes, also those that have not joined yet. */
const machines = ({ loadBalancer, controlPlanes }: ClusterFile): readonly NodeEntry[] =>
  loadBalancer.hosts.length > 0 ? loadBalancer.hosts : controlPlanes

const virtualIP = ({ loadBalancer }: ClusterFile): string | undefined => loadBalancer.virtualIP

/** haproxy and keepalived: one virtual IP, unicast VRRP. */
export const haproxy = haproxyOn({
  name: 'haproxy',
  runBy: 'quorate',
  programs: ['haproxy', 'keepalived'],
  inspect: 'systemctl status quorate-haproxy quorate-keepalived',
  frontends: ({ file, nodes }: ConversionRun) =>
    machines(file).map((node) => ({ node, address: node.address, clients: nodes })),
  address: virtualIP,
  movingAddress: virtualIP,
  hostsAddress: (file) => (file.policy.manageHosts ? virtualIP(file) : undefined),
  sans: ({ loadBalancer }) => (loadBalancer.virtualIP === undefined ? [] : [loadBalancer.virtualIP]),
  proveBackends: (run, backends, signal) => meetBackends(run, backends, { seconds: 60, signal }),
  does: ({ endpoint, loadBalancer }) =>
    `run haproxy on port ${endpoint.port} and keepalived for ${loadBalancer.virtualIP}`,
  settings({ file }, node) {
    const all = machines(file)
    return {
      bindAddress: '',
      virtualIp: file.loadBalancer.virtualIP ?? '',
      peers: all.map(({ address }) => address),
      virtualRouterId: file.loadBalancer.virtualRouterId,
      // The first control plane takes the address where several start at once: it is the one that surely serves.
      priority: 200 - all.indexOf(node),
    }
  },
})
