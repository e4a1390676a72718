import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'

/** Host of an etcd URL, an IPv6 address without its brackets; empty for what is no URL. */
export const hostIn = (url: string): string => (URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : '')

/** Whether an etcd URL is a loopback address. */
export const isLoopback = (url: string): boolean => ['127.0.0.1', 'localhost', '::1'].includes(hostIn(url))

/** The etcd member of a node of a stacked cluster: by its name, or before it has started by its peer address. */
export function memberOf(members: readonly EtcdMember[], node: NodeEntry): EtcdMember | undefined {
  return (
    members.find((member) => member.name === node.name) ??
    members.find((member) => member.peerUrls.some((url) => hostIn(url) === node.address))
  )
}
