import { isIPv6 } from 'node:net'
import type { LoadBalancer } from '../context/load-balancer.js'
import type { ConversionRun } from '../context/run.js'
import { haproxyOn } from './haproxy-on.js'
import { meetBackends } from './meet-backends.js'

/**
 * haproxy on every node, on loopback, with the endpoint's name mapped to it: no virtual IP, no requirement on the network, no shared machine whose
 * failure others notice; and it starts without the cluster (kubespray and metalk8s#2103 do the same).
 */
export function nodeLocal(run: ConversionRun): LoadBalancer {
  const { file } = run
  // The loopback address of the family that the nodes have.
  const loopback = isIPv6(file.controlPlanes[0]?.address ?? '') ? '::1' : '127.0.0.1'
  return haproxyOn(run, {
    name: 'node-local',
    runBy: 'quorate',
    programs: ['haproxy'],
    inspect: 'systemctl status quorate-haproxy',
    frontends: () => run.nodes.map((node) => ({ node, address: loopback, clients: [node] })),
    address: () => loopback,
    movingAddress: () => undefined,
    // Whatever policy.manageHosts is: this kind requires that the name resolves to the node itself.
    hostsAddress: () => loopback,
    sans: () => [],
    forOutside: () =>
      `clients outside the cluster have no load balancer: publish ${file.endpoint.host} in DNS with an address in front of ${file.controlPlanes.map(({ address }) => address).join(', ')}, or give them the name of a control plane`,
    proveBackends: async (backends, signal) => {
      const met = await Promise.all(
        run.nodes.map((from) => meetBackends(run, backends, { seconds: 60, signal, at: loopback, from })),
      )
      return met.flat()
    },
    does: `run haproxy on ${loopback} port ${file.endpoint.port}`,
    settings: () => ({
      bindAddress: loopback,
      virtualIp: '',
      // Unused: there is no keepalived.
      peers: [],
      virtualRouterId: 1,
      priority: 1,
    }),
  })
}
