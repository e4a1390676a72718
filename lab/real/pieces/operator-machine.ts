import type { Piece } from './piece.js'

/** A machine of the operator's beside the cluster: in its network, and nothing of Kubernetes or Quorate on it. */
export const operatorMachine: Piece = {
  machines: [{ short: 'op', name: 'operator.example.com', octet: 40, role: 'load-balancer' }],
}
