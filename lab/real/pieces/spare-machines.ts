import type { Piece } from '../piece.js'

/** A machine each for a fourth control plane and another worker, which somebody joins by hand. */
export const spareMachines: Piece = {
  machines: [
    { short: 'cp4', name: 'k8smaster4.example.com', octet: 33, role: 'spare' },
    { short: 'w9', name: 'k8sworker9.example.com', octet: 39, role: 'spare' },
  ],
}
