import type { Piece } from './piece.js'

/** The API server on a port other than 6443. */
export const apiPort: Piece = {
  init({ init }) {
    init.localAPIEndpoint.bindPort = 7443
  },
}
