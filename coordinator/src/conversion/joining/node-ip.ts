import { isIP } from 'node:net'
import type { NodeFacts, NodeObject } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'

/**
 * The `--node-ip` that a joiner's kubelet needs; empty where its default is correct. By default a kubelet uses the address of the default route,
 * which may differ from the one in the file (kubeadm#1359), and only one family where the cluster has two.
 */
export async function nodeIpOf(run: ConversionRun, node: NodeEntry): Promise<string> {
  const [facts, { nodes }] = await Promise.all([run.nodeFacts(node), run.clusterFacts()])
  if (isDualStack(nodes.find(({ name }) => name === run.first.name))) {
    const other = otherFamilyOf(node, facts)
    if (other !== undefined) return `${node.address},${other}`
  }
  const holder = holderOf(node, facts)
  const isDefault = holder === undefined || facts.defaultInterface === '' || holder.name === facts.defaultInterface
  return isDefault ? '' : node.address
}

/** Whether a Node has addresses of both families. */
export const isDualStack = (node: NodeObject | undefined): boolean => new Set(node?.internalIps.map(isIP)).size === 2

/** The node's address of the other family, on the interface that holds the one in the file; undefined for none. */
export function otherFamilyOf(node: NodeEntry, facts: NodeFacts): string | undefined {
  const addresses = holderOf(node, facts)?.addresses.map((one) => one.replace(/\/.*/, '')) ?? []
  return addresses.find((one) => isIP(one) !== isIP(node.address) && !isLinkLocal(one))
}

const holderOf = ({ address }: NodeEntry, { interfaces }: NodeFacts) =>
  interfaces.find(({ addresses }) => addresses.some((one) => one.startsWith(`${address}/`)))

/** Every interface has a link-local IPv6 address, which is never a node's address. */
const isLinkLocal = (address: string): boolean => /^(fe[89ab].:|169\.254\.)/i.test(address)
