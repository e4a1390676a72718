import type { Piece } from './piece.js'

/** Two machines for a fourth control plane and another worker, which a test joins by hand. */
export const spareMachines: Piece = {
  machines: [
    { short: 'cp4', name: 'k8smaster4.example.com', octet: 33, role: 'spare' },
    { short: 'w9', name: 'k8sworker9.example.com', octet: 39, role: 'spare' },
  ],
}
