import type { Piece } from '../piece.js'

const everywhere = (text: string): Piece => ({
  async before(lab) {
    for (const node of lab.nodes) await node.put('/etc/resolv.conf', text)
  },
})

/** The nodes' DNS server never answers, as behind a firewall that drops: a look-up waits until it gives up. */
export const silentDns = everywhere('nameserver 192.0.2.53\n')

/** Nodes without a DNS server: CoreDNS has nobody to forward to and does not start. */
export const noDns = everywhere('')
