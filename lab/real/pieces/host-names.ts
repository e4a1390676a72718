import type { Piece } from '../piece.js'

/** Nodes that are called otherwise than their machines. */
export const hostNames: Piece = {
  hostName: (name) => `machine-of-${name.split('.')[0]}`,
}
