import { canonicalAddress } from './pki.js'

/** The names and addresses of one node: values that hold them differ from node to node, and mean the same. */
export interface NodeOwn {
  readonly names: readonly string[]
  readonly addresses: readonly string[]
}

const pattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** The value with this node's own names and addresses replaced by `<name>` and `<address>`; longer names that only begin or end so stay. */
export function withoutOwn(value: string, { names, addresses }: NodeOwn): string {
  const known = [
    ...addresses.map((one) => [one, '<address>'] as const),
    ...addresses.map((one) => [canonicalAddress(one), '<address>'] as const),
    ...names.map((one) => [one, '<name>'] as const),
  ].filter(([one]) => one !== '')
  return [...new Map(known)]
    .sort(([a], [b]) => b.length - a.length)
    .reduce(
      (text, [one, mark]) =>
        text.replace(new RegExp(`(?<![\\w.:-])${pattern(one)}(?![\\w.-]|:[0-9a-f]*:)`, 'gi'), mark),
      value,
    )
}
