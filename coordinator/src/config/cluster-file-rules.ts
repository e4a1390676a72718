import { isIP } from 'node:net'
import { isDnsLabel, isDnsName, parseEndpoint } from '@quorate/shared/names'
import type { ClusterFile } from './cluster-file.js'
import { loadBalancerRules } from './load-balancer-rules.js'
import { canonicalAddress } from './node-address.js'
import { eachNode, type Problem, type Rule, show } from './problem.js'

const clusterName: Rule = ({ metadata: { name } }) =>
  isDnsLabel(name)
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
          remedy: 'Use a separate name that no node has: it must outlive every node.',
        },
      ]
    : []
}

const oddControlPlanes: Rule = ({ controlPlanes }) => {
  const count = controlPlanes.length
  const path = ['controlPlanes']
  if (count < 3) {
    return [
      {
        path,
        message: `${count} control plane${count === 1 ? '' : 's'}: high availability requires at least three`,
        remedy: 'Name the existing control plane first and at least two to join after it.',
      },
    ]
  }
  if (count % 2 === 0)
    return [
      {
        path,
        message: `an even number of control planes (${count})`,
        remedy: `etcd tolerates no more failures with ${count} members than with ${count - 1}: add one or remove one.`,
      },
    ]
  if (count > 7)
    return [
      {
        path,
        message: `${count} control planes: etcd supports at most seven members`,
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
          remedy: `Every node needs a unique ${key}.`,
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

/** Every rule that types cannot say; all are tried, all report. */
export const clusterFileRules: readonly Rule[] = [
  clusterName,
  endpointIsName,
  endpointIsNoNode,
  ...loadBalancerRules,
  oddControlPlanes,
  nodesAreWellFormed,
  nodesDiffer,
  noBlanketIgnore,
]

/** Whether the cluster file would be accepted with this endpoint: what is advised must be so. */
export function acceptsEndpoint(file: ClusterFile, endpoint: string): boolean {
  const text = {
    apiVersion: 'quorate/v1alpha1',
    kind: 'Conversion',
    metadata: { name: file.name },
    endpoint,
    loadBalancer: { ...file.loadBalancer, hosts: [...file.loadBalancer.hosts] },
    controlPlanes: [...file.controlPlanes],
    workers: [...file.workers],
    policy: file.policy,
  } as unknown as Parameters<Rule>[0]
  return clusterFileRules.every((rule) => rule(text).every(({ path }) => path[0] !== 'endpoint'))
}
