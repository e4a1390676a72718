import { isIPv6 } from 'node:net'
import type { ClusterFile } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'
import { haproxyOn } from './haproxy-on.js'
import { meetBackends } from './meet-backends.js'

/** What `localhost` is where the nodes have addresses of this family. */
const loopback = ({ controlPlanes }: ClusterFile): string =>
  isIPv6(controlPlanes[0]?.address ?? '') ? '::1' : '127.0.0.1'

/**
 * haproxy on every node, on loopback, with the endpoint's name mapped there: no virtual IP, no network of one's own, nobody whose death
 * others feel; and it starts without the cluster (kubespray and metalk8s#2103 do the same).
 */
export const nodeLocal = haproxyOn({
  name: 'node-local',
  runBy: 'quorate',
  programs: ['haproxy'],
  inspect: 'systemctl status quorate-haproxy',
  frontends: ({ file, nodes }: ConversionRun) =>
    nodes.map((node) => ({ node, address: loopback(file), clients: [node] })),
  address: loopback,
  movingAddress: () => undefined,
  // Whatever policy.manageHosts says: that the name means this very node is what this kind is.
  hostsAddress: loopback,
  sans: () => [],
  forOutside: ({ endpoint, controlPlanes }) =>
    `clients outside the cluster have no load balancer: give them ${endpoint.host} in DNS as an address in front of ${controlPlanes.map(({ address }) => address).join(', ')}, or the name of a control plane`,
  proveBackends: async (run, backends, signal) => {
    const met = await Promise.all(
      run.nodes.map((from) => meetBackends(run, backends, { seconds: 60, signal, at: loopback(run.file), from })),
    )
    return met.flat()
  },
  does: (file) => `run haproxy on ${loopback(file)} port ${file.endpoint.port}`,
  settings: ({ file }) => ({
    bindAddress: loopback(file),
    virtualIp: '',
    // Of a keepalived that there is not.
    peers: [],
    virtualRouterId: 1,
    priority: 1,
  }),
})
