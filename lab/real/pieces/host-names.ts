import type { Piece } from './piece.js'

/** Nodes whose names differ from their machines' hostnames. */
export const hostNames: Piece = {
  hostName: (name) => `machine-of-${name.split('.')[0]}`,
}
