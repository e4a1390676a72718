import { listensAt } from '@quorate/shared/etcd-listen'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import { staticPodFlag } from '../facts/static-pod-flags.js'

const listening = [
  { flag: '--listen-client-urls', port: 2379 },
  { flag: '--listen-peer-urls', port: 2380 },
] as const

/** A port on which the etcd of a node listens for the node itself only, according to its manifest. */
export interface ShutPort {
  readonly port: number
  readonly flag: string
  readonly urls: string
}

/** Empty where the node has no etcd of its own. */
export const shutPorts = (node: NodeEntry, facts: NodeFacts): readonly ShutPort[] =>
  listening.flatMap(({ flag, port }) => {
    const urls = staticPodFlag(facts, 'etcd', flag)
    return urls === undefined || listensAt(urls, node.address) ? [] : [{ port, flag, urls }]
  })
