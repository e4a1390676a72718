import { createHash } from 'node:crypto'

/** The Merkle tree of RFC 6962, section 2: what transparency logs use. Leaves are byte strings; hashes are 32 bytes of SHA-256. */

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const [ofLeaf, ofNode] = [Buffer.of(0), Buffer.of(1)]

/** Hash of one leaf, SHA-256(0x00 || leaf). */
export const leafHash = (leaf: Uint8Array): Buffer => sha256(ofLeaf, leaf)

const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(ofNode, left, right)

/** Largest power of two below `n`, which is at least 2. */
const split = (n: number): number => 2 ** (31 - Math.clz32(n - 1))

/** Root of the tree over these leaf hashes; of no leaf SHA-256 of nothing. */
export function rootOf(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256()
  const [only] = leaves
  if (leaves.length === 1 && only !== undefined) return only
  const k = split(leaves.length)
  return nodeHash(rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)))
}

/** Proof that the tree of these leaf hashes begins with its first `size` leaves (RFC 6962, 2.1.2); empty for none and for all. */
export function consistencyProof(leaves: readonly Buffer[], size: number): readonly Buffer[] {
  return size === 0 || size >= leaves.length ? [] : subProof(leaves, size, true)
}

function subProof(leaves: readonly Buffer[], size: number, whole: boolean): readonly Buffer[] {
  if (size === leaves.length) return whole ? [] : [rootOf(leaves)]
  const k = split(leaves.length)
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)]
  return size <= k
    ? [...subProof(left, size, whole), rootOf(right)]
    : [...subProof(right, size - k, false), rootOf(left)]
}

/** One end of a proof: how many leaves, and the root over them. */
export interface Tree {
  readonly size: number
  readonly root: Buffer
}

/** Whether `proof` shows that the newer tree begins with the older one (RFC 9162, 2.1.4.2). */
export function isConsistent(older: Tree, newer: Tree, proof: readonly Buffer[]): boolean {
  if (older.size > newer.size) return false
  if (older.size === newer.size) return proof.length === 0 && older.root.equals(newer.root)
  if (older.size === 0) return proof.length === 0 && older.root.equals(rootOf([]))
  // A power of two is a whole subtree: its root is not in the proof.
  const path = Number.isInteger(Math.log2(older.size)) ? [older.root, ...proof] : [...proof]
  let [fn, sn] = [older.size - 1, newer.size - 1]
  while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  const [first, ...rest] = path
  if (first === undefined) return false
  let [oldRoot, newRoot] = [first, first]
  for (const hash of rest) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      oldRoot = nodeHash(hash, oldRoot)
      newRoot = nodeHash(hash, newRoot)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)]
    } else newRoot = nodeHash(newRoot, hash)
    ;[fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  }
  return sn === 0 && oldRoot.equals(older.root) && newRoot.equals(newer.root)
}
