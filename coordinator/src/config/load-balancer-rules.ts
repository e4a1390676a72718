import { isIP } from 'node:net'
import { parseEndpoint } from '@quorate/shared/names'
import { type LoadBalancerKindName, loadBalancerKindNames, type OwnKey, settingsOf } from './load-balancer-settings.js'
import { type Problem, type Rule, same, show } from './problem.js'

/** Ports that Kubernetes or Quorate uses on a control plane. */
const takenPorts: Readonly<Record<number, string>> = {
  2379: 'etcd',
  2380: 'etcd',
  2381: "etcd's metrics",
  6443: 'the API server',
  7445: 'quorate-agent',
  10248: "the kubelet's healthz",
  10249: "kube-proxy's metrics",
  10250: 'the kubelet',
  10256: "kube-proxy's healthz",
  10257: 'the controller-manager',
  10259: 'the scheduler',
}

const portIsFree: Rule = ({ endpoint, loadBalancer: { kind, hosts } }) => {
  const port = parseEndpoint(endpoint)?.port ?? 0
  const holder = takenPorts[port]
  if (!settingsOf(kind).besideApiServer || hosts.length > 0 || holder === undefined) return []
  return [
    {
      path: ['endpoint'],
      message: `port ${port} is taken: on a control plane it belongs to ${holder}`,
      remedy: 'haproxy runs on the same nodes and needs a different port, such as 8443.',
    },
  ]
}

const virtualIpIsGiven: Rule = ({ loadBalancer: { kind, virtualIP } }) => {
  const path = ['loadBalancer', 'virtualIP']
  const wanted = settingsOf(kind).virtualIP
  if (wanted === 'needed' && virtualIP === undefined)
    return [
      {
        path,
        message: 'loadBalancer.virtualIP is missing',
        remedy: `${kind} needs a free address of the control planes’ network: virtualIP: 192.168.13.100.`,
      },
    ]
  if (wanted === 'unused' && virtualIP !== undefined)
    return [{ path, message: `${kind} has no virtual IP`, remedy: 'Remove the line, or choose another kind.' }]
  return []
}

const virtualIpFits: Rule = ({ loadBalancer: { kind, virtualIP, hosts }, controlPlanes, workers }) => {
  if (virtualIP === undefined) return []
  const refused = (message: string, remedy: string): readonly Problem[] => [
    { path: ['loadBalancer', 'virtualIP'], message, remedy },
  ]
  const family = isIP(virtualIP)
  if (family === 0)
    return refused(
      `virtualIP ${show(virtualIP)} is not an IP address`,
      'Write an address without prefix length or port: 192.168.13.100.',
    )
  const node = [...controlPlanes, ...workers, ...hosts].find(({ address }) => same(address, virtualIP))
  if (node !== undefined)
    return refused(
      `virtualIP ${virtualIP} is the address of ${node.name}`,
      'Choose an address that no machine has: it moves between the nodes of the load balancer.',
    )
  const holders = hosts.length > 0 ? hosts : controlPlanes
  const other = holders.find(({ address }) => isIP(address) !== 0 && isIP(address) !== family)
  if (settingsOf(kind).virtualIP === 'needed' && other !== undefined)
    return refused(
      `virtualIP ${virtualIP} is IPv${family}, ${other.name} is not`,
      hosts.length > 0
        ? 'Use an address of the same family as the hosts of the load balancer.'
        : 'Use an address of the same family as the control planes.',
    )
  return []
}

const hostsFit: Rule = ({ loadBalancer: { kind, hosts } }) => {
  const path = ['loadBalancer', 'hosts']
  if (hosts.length === 0) return []
  if (!settingsOf(kind).hosts)
    return [
      {
        path,
        message: `${kind} does not run on separate hosts`,
        remedy: 'Remove loadBalancer.hosts, or use kind: haproxy.',
      },
    ]
  if (hosts.length === 1)
    return [
      {
        path,
        message: 'one load balancer host: if it fails, no client reaches the cluster',
        remedy: 'Name two or three, or none: then it runs on the control planes.',
      },
    ]
  return []
}

const takes = (kind: LoadBalancerKindName, key: OwnKey): boolean => settingsOf(kind).takes?.includes(key) ?? false

const ofService: Rule = ({ endpoint, loadBalancer: { kind, virtualIP, nodePort, underKubelets } }) => {
  const refused = (key: string, message: string, remedy: string): readonly Problem[] => [
    { path: ['loadBalancer', key], message, remedy },
  ]
  if (!takes(kind, 'nodePort')) return []
  if (virtualIP !== undefined && nodePort !== undefined)
    return refused('nodePort', 'a Service with an address needs no nodePort', 'Remove nodePort or virtualIP.')
  if (virtualIP === undefined && nodePort === undefined)
    return refused(
      'nodePort',
      'loadBalancer.nodePort is missing',
      'Write nodePort: 31170, or virtualIP where addresses are given out.',
    )
  if (underKubelets && virtualIP === undefined)
    return refused(
      'underKubelets',
      'a NodePort cannot serve the kubelets: it has no address that outlives a node',
      'Give the Service an address, virtualIP, or remove underKubelets.',
    )
  // kube-proxy takes a NodePort on loopback too, where the nodes' own proxy listens.
  if (nodePort !== undefined && nodePort === parseEndpoint(endpoint)?.port)
    return refused(
      'nodePort',
      `nodePort ${nodePort} is the port of the endpoint, which the nodes themselves use`,
      'Give the endpoint another port, such as 8443.',
    )
  return []
}

const optionsFit: Rule = ({ loadBalancer }) =>
  (['image', 'bgp', 'nodePort', 'underKubelets'] as const).flatMap((key) =>
    !loadBalancer[key] || takes(loadBalancer.kind, key)
      ? []
      : [
          {
            path: ['loadBalancer', key],
            message: `${loadBalancer.kind} has no ${key}`,
            remedy: `Remove it; it is for kind ${loadBalancerKindNames.filter((name) => takes(name, key)).join(', ')}.`,
          },
        ],
  )

const imageIsNamed: Rule = ({ loadBalancer: { image } }) =>
  image === undefined || /^[a-z0-9][A-Za-z0-9._/:@-]*[:@][A-Za-z0-9._:-]+$/.test(image)
    ? []
    : [
        {
          path: ['loadBalancer', 'image'],
          message: `image ${show(image)} is not REPOSITORY:TAG`,
          remedy: 'Write it with its tag or digest: pin it, so that the version cannot change unexpectedly.',
        },
      ]

const bgpFits: Rule = ({ loadBalancer: { bgp }, controlPlanes }) => {
  if (bgp === undefined) return []
  const path = ['loadBalancer', 'bgp']
  const noRouterId = controlPlanes.find(({ address }) => isIP(address) === 6)
  return [
    ...(bgp.peers.length > 0
      ? []
      : [
          {
            path: [...path, 'peers'],
            message: 'BGP without a peer: no router would learn the virtual IP',
            remedy: 'Name the routers: peers: [{address: 192.168.13.1, as: 65000}].',
          },
        ]),
    ...bgp.peers.flatMap(({ address }, index) =>
      isIP(address) !== 0
        ? []
        : [
            {
              path: [...path, 'peers', index, 'address'],
              message: `peer ${show(address)} is not an IP address`,
              remedy: 'Write the address of the router.',
            },
          ],
    ),
    ...(noRouterId === undefined
      ? []
      : [
          {
            path,
            message: `BGP takes a router id from the IPv4 address of a control plane, and ${noRouterId.name} has none`,
            remedy: 'Leave bgp out, or use another kind of load balancer.',
          },
        ]),
  ]
}

/** What the part `loadBalancer` of a cluster file must be, with what the rest says. */
export const loadBalancerRules: readonly Rule[] = [
  portIsFree,
  virtualIpIsGiven,
  virtualIpFits,
  hostsFit,
  ofService,
  optionsFit,
  imageIsNamed,
  bgpFits,
]
