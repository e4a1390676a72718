import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { existingNodes, toJoin } from '../facts/membership.js'
import { staticPodFlag } from '../facts/static-pod-flags.js'
import { withFacts } from '../facts/with-facts.js'
import { isDualStack, otherFamilyOf } from '../joining/node-ip.js'
import type { Check } from './check.js'

const id = 'addresses'

/** A node that joins with the address of another network card breaks the cluster (kubeadm#1359, #2275). */
export const addresses: Check = {
  id,
  title: 'Node addresses match the cluster file and the cluster',
  async check(run) {
    const own = await Promise.all(run.machines.map(async (node) => onInterface(node, await run.nodeFacts(node))))
    return [
      ...own.flat(),
      ...advertised(run.first, await run.nodeFacts(run.first)),
      ...(await inCluster(run)),
      ...(await ofBothFamilies(run)),
    ]
  },
}

function onInterface(node: NodeEntry, facts: NodeFacts): Finding[] {
  const all = facts.interfaces.flatMap((each) => each.addresses.map((address) => ({ name: each.name, address })))
  if (all.some(({ address }) => address.split('/')[0] === node.address)) return []
  return [
    {
      id,
      severity: 'error',
      node: node.name,
      message: `no interface of this node has the file's address ${node.address}`,
      evidence: all.map(({ name, address }) => `${name} ${address}`).join(', ') || '(no addresses)',
      remedy: 'Correct the address in the cluster file; on that node: ip -br addr',
    },
  ]
}

function advertised(first: NodeEntry, facts: NodeFacts): Finding[] {
  const address = staticPodFlag(facts, 'kube-apiserver', '--advertise-address')
  if (address === undefined || address === first.address) return []
  return [
    {
      id,
      severity: 'error',
      node: first.name,
      message: `its API server advertises ${address}, the file says ${first.address}`,
      evidence: `kube-apiserver.yaml: --advertise-address=${address}`,
      remedy: `Write address: ${address} in the cluster file. To change the address of a control plane, do it before the conversion.`,
    },
  ]
}

async function inCluster(run: ConversionRun): Promise<Finding[]> {
  const { nodes } = await run.clusterFacts()
  return (await existingNodes(run)).flatMap((node) => {
    const object = nodes.find(({ name }) => name === node.name)
    if (object === undefined || object.internalIps.length === 0 || object.internalIps.includes(node.address)) return []
    return [
      {
        id,
        severity: run.workers.includes(node) ? ('warning' as const) : ('error' as const),
        node: node.name,
        message: `the cluster knows this node by another address than the file's ${node.address}`,
        evidence: `Node ${node.name}: InternalIP ${object.internalIps.join(', ')}`,
        remedy: `Correct the address in the cluster file, or start its kubelet with --node-ip=${node.address}`,
      },
    ]
  })
}

/** On a single-stack node of a dual-stack cluster pods lack one family, and Services of that family do not reach them. */
async function ofBothFamilies(run: ConversionRun): Promise<Finding[]> {
  const { nodes } = await run.clusterFacts()
  const first = nodes.find(({ name }) => name === run.first.name)
  if (first === undefined || !isDualStack(first)) return []
  const joining = await withFacts(run, await toJoin(run))
  return joining
    .filter(({ node, facts }) => otherFamilyOf(node, facts) === undefined)
    .map(({ node, name, facts }) => ({
      id,
      severity: 'warning',
      node: name,
      message: `the cluster is dual stack, and the interface that holds ${node.address} has no address of the other family`,
      evidence: `Node ${run.first.name}: InternalIP ${first.internalIps.join(', ')}; here ${facts.interfaces.flatMap((each) => each.addresses).join(', ')}`,
      remedy:
        'Give that interface an address of the other family before it joins; its kubelet then gets both (--node-ip).',
    }))
}
