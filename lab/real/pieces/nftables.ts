import type { Piece } from './piece.js'

/** kube-proxy in its nftables mode (stable since 1.33). */
export const nftables: Piece = {
  init({ kubeProxy }) {
    kubeProxy['mode'] = 'nftables'
  },
}
