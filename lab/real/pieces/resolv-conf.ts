import type { Piece } from './piece.js'

const everywhere = (text: string): Piece => ({
  async before(lab) {
    for (const node of lab.nodes) await node.put('/etc/resolv.conf', text)
  },
})

/** The nodes' DNS server never answers, as behind a firewall that drops packets: a lookup waits for its timeout. */
export const silentDns = everywhere('nameserver 192.0.2.53\n')

/** Nodes without a DNS server: CoreDNS has no upstream server and does not start. */
export const noDns = everywhere('')
