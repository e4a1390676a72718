import { isIP } from 'node:net'
import { isDnsName, parseEndpoint } from '@quorate/shared/names'
import type { ClusterFileText } from './cluster-file-schema.js'
import { canonicalAddress } from './node-address.js'

/** What is wrong with a cluster file, where, and what to write instead. */
export interface Problem {
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly remedy: string
}

type Rule = (file: ClusterFileText) => readonly Problem[]

/** Ports that Kubernetes or we ourselves hold on a control plane, where haproxy would have to listen on every address. */
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

const clusterName: Rule = ({ metadata: { name } }) =>
  /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
    ? []
    : [
        {
          path: ['metadata', 'name'],
          message: `metadata.name ${show(name)} is not a name`,
          remedy: 'Use lower-case letters, digits and dashes, at most 63: prod.',
        },
      ]

const endpointIsName: Rule = ({ endpoint }) => {
  if (parseEndpoint(endpoint) !== undefined) return []
  const host = endpoint.replace(/:\d*$/, '')
  const path = ['endpoint']
  if (isIP(host.replace(/^\[|\]$/g, '')) !== 0 || isIP(endpoint) !== 0) {
    return [
      {
        path,
        message: `endpoint ${show(endpoint)} is an IP address where a name belongs`,
        remedy: 'Give a DNS name that resolves to it: a name can move, a certificate for an address cannot.',
      },
    ]
  }
  if (isDnsName(endpoint))
    return [{ path, message: `endpoint ${show(endpoint)} has no port`, remedy: `Write ${endpoint}:8443.` }]
  return [
    {
      path,
      message: `endpoint ${show(endpoint)} is not NAME:PORT`,
      remedy: 'Write a lower-case DNS name and a port from 1 to 65535: apiserver.example.com:8443.',
    },
  ]
}

const endpointIsNoNode: Rule = ({ endpoint, controlPlanes, workers }) => {
  const host = endpoint.replace(/:\d*$/, '')
  return [...controlPlanes, ...workers].some(({ name }) => name === host)
    ? [
        {
          path: ['endpoint'],
          message: `endpoint ${show(host)} is the name of a node`,
          remedy: 'Use a name of its own, which no node has: it must outlive every node.',
        },
      ]
    : []
}

const portIsFree: Rule = ({ endpoint, loadBalancer }) => {
  const port = parseEndpoint(endpoint)?.port ?? 0
  const holder = takenPorts[port]
  if (loadBalancer.kind !== 'haproxy' || holder === undefined) return []
  return [
    {
      path: ['endpoint'],
      message: `port ${port} is taken: on a control plane it belongs to ${holder}`,
      remedy: 'haproxy runs on the same nodes and needs a port of its own, such as 8443.',
    },
  ]
}

const loadBalancerIsSupported: Rule = ({ loadBalancer: { kind } }) =>
  kind === 'haproxy' || kind === 'external'
    ? []
    : [
        {
          path: ['loadBalancer', 'kind'],
          message: `load balancer kind ${show(kind)} is not supported by this version`,
          remedy: 'Use haproxy (on the control planes) or external (one that you run yourself).',
        },
      ]

const virtualIpFits: Rule = ({ loadBalancer: { kind, virtualIP }, controlPlanes, workers }) => {
  const path = ['loadBalancer', 'virtualIP']
  if (virtualIP === undefined) {
    return kind === 'haproxy'
      ? [
          {
            path,
            message: 'loadBalancer.virtualIP is missing',
            remedy: 'haproxy needs a free address of the control planes’ network: virtualIP: 192.168.13.100.',
          },
        ]
      : []
  }
  const family = isIP(virtualIP)
  if (family === 0)
    return [
      {
        path,
        message: `virtualIP ${show(virtualIP)} is not an IP address`,
        remedy: 'Write an address without prefix length or port: 192.168.13.100.',
      },
    ]
  const node = [...controlPlanes, ...workers].find(({ address }) => same(address, virtualIP))
  if (node !== undefined)
    return [
      {
        path,
        message: `virtualIP ${virtualIP} is the address of ${node.name}`,
        remedy: 'Choose an address that no machine has: keepalived moves it between the control planes.',
      },
    ]
  const other = controlPlanes.find(({ address }) => isIP(address) !== 0 && isIP(address) !== family)
  if (kind === 'haproxy' && other !== undefined)
    return [
      {
        path,
        message: `virtualIP ${virtualIP} is IPv${family}, ${other.name} is not`,
        remedy: 'Use an address of the same family as the control planes.',
      },
    ]
  return []
}

const oddControlPlanes: Rule = ({ controlPlanes }) => {
  const count = controlPlanes.length
  const path = ['controlPlanes']
  if (count < 3) {
    return [
      {
        path,
        message: `${count} control plane${count === 1 ? '' : 's'}: high availability begins with three`,
        remedy: 'Name the existing control plane first and at least two to join after it.',
      },
    ]
  }
  if (count % 2 === 0)
    return [
      {
        path,
        message: `an even number of control planes (${count})`,
        remedy: `etcd survives no more with ${count} members than with ${count - 1}: add one, or leave one out.`,
      },
    ]
  if (count > 7)
    return [
      {
        path,
        message: `${count} control planes: etcd is not meant for more than seven members`,
        remedy: 'Use three or five.',
      },
    ]
  return []
}

const nodesAreWellFormed: Rule = (file) =>
  eachNode(file, ({ name, address }, path) => {
    const problems: Problem[] = []
    if (isIP(name) !== 0)
      problems.push({
        path: [...path, 'name'],
        message: `${show(name)} is an IP address where a node's name belongs`,
        remedy: 'Write the name as `kubectl get nodes` shows it.',
      })
    else if (!isDnsName(name))
      problems.push({
        path: [...path, 'name'],
        message: `${show(name)} is not a node's name`,
        remedy: 'Write it as `kubectl get nodes` shows it: lower-case letters, digits, dashes and dots.',
      })
    if (isIP(address) === 0)
      problems.push({
        path: [...path, 'address'],
        message: `${show(address)} is not an IP address`,
        remedy: 'Write the node’s address in the cluster’s network, without port: 192.168.13.31.',
      })
    return problems
  })

const nodesDiffer: Rule = (file) => {
  const seen = { name: new Map<string, string>(), address: new Map<string, string>() }
  return eachNode(file, (node, path) =>
    (['name', 'address'] as const).flatMap((key) => {
      const value = key === 'address' ? canonicalAddress(node.address) : node.name
      const first = seen[key].get(value)
      if (first === undefined) {
        seen[key].set(value, node.name)
        return []
      }
      const whose = key === 'name' ? 'is in the file twice' : `is already the address of ${first}`
      return [
        {
          path: [...path, key],
          message: `${key} ${show(node[key])} ${whose}`,
          remedy: `Every node has a ${key} of its own.`,
        },
      ]
    }),
  )
}

const noBlanketIgnore: Rule = ({ policy: { ignorePreflightErrors, ignoreFindings } }) => [
  ...ignorePreflightErrors.flatMap((name, index) =>
    /^[A-Za-z][A-Za-z0-9-]*$/.test(name) && name.toLowerCase() !== 'all'
      ? []
      : [
          {
            path: ['policy', 'ignorePreflightErrors', index],
            message: `${show(name)} is not a preflight error that may be ignored`,
            remedy: 'Name single errors as kubeadm prints them, such as NumCPU; `all` would hide what breaks the join.',
          },
        ],
  ),
  ...Object.entries(ignoreFindings).flatMap(([id, reason]) =>
    reason.trim() !== '' && /^[a-z0-9-]+$/.test(id)
      ? []
      : [
          {
            path: ['policy', 'ignoreFindings', id],
            message: `finding ${show(id)} is ignored without a reason`,
            remedy: 'Write `finding-id: why`; the reason goes into the report.',
          },
        ],
  ),
]

function eachNode(
  file: ClusterFileText,
  look: (node: ClusterFileText['workers'][number], path: (string | number)[]) => readonly Problem[],
): readonly Problem[] {
  return (['controlPlanes', 'workers'] as const).flatMap((list) =>
    file[list].flatMap((node, index) => look(node, [list, index])),
  )
}

const same = (a: string, b: string) => canonicalAddress(a) === canonicalAddress(b)
const show = (text: string) => JSON.stringify(text)

/** Every rule that types cannot say; all are tried, all report. */
export const clusterFileRules: readonly Rule[] = [
  clusterName,
  endpointIsName,
  endpointIsNoNode,
  portIsFree,
  loadBalancerIsSupported,
  virtualIpFits,
  oddControlPlanes,
  nodesAreWellFormed,
  nodesDiffer,
  noBlanketIgnore,
]
