import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeOwn } from '@quorate/shared/node-own'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'

/** Loopback and link-local addresses, which every node has. */
const ofEveryNode = /^(127\.|169\.254\.|::1$|fe80:)/i

/** A node's own names and addresses; the virtual one belongs to no node. */
export function ownOf(run: ConversionRun, { name, address }: NodeEntry, facts: NodeFacts): NodeOwn {
  const { virtualIP } = run.file.loadBalancer
  const onCards = facts.interfaces
    .flatMap(({ addresses }) => addresses.map((one) => one.replace(/\/\d+$/, '')))
    .filter((one) => !ofEveryNode.test(one) && one !== virtualIP)
  return {
    names: [...new Set([name, facts.nodeName, facts.hostname])].filter((one) => one !== ''),
    addresses: [...new Set([address, ...onCards])],
  }
}
