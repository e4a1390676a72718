import type { Piece } from './piece.js'

/** Two machines with agent, haproxy and keepalived that are no nodes. */
export const loadBalancerHosts: Piece = {
  machines: [1, 2].map((n) => ({
    short: `lb${n}`,
    name: `lb${n}.example.com`,
    octet: 50 + n,
    role: 'load-balancer' as const,
  })),
}
