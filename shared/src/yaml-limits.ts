import { isScalar, type Node, type Pair, visit, type YAMLMap } from 'yaml'

/** What of a text is work: a character, and a sign by which YAML makes a token of its own. */
export interface YamlLimits {
  readonly characters: number
  readonly signs: number
}

/** A sign costs up to 5 µs. kubeadm's own texts have a few hundred, a kubeconfig of 200 clusters and a cluster file of 2,000 nodes 15,000. */
const signs = 20_000

/** Of what a node's users and the cluster write: the API keeps ConfigMaps of up to 1 MiB, mostly certificates in base64, of one token each. */
export const foreignLimits: YamlLimits = { characters: 1024 * 1024, signs }

/** Of a cluster file, which its operator writes. */
export const clusterFileLimits: YamlLimits = { characters: 4 * 1024 * 1024, signs }

const isSign = new Uint8Array(128)
for (const sign of '\n:,-?[]{}"\'#&*!|>%@`') isSign[sign.charCodeAt(0)] = 1

/** Why a text is not parsed at all; undefined where it may be. The parser is linear, but slow: it is asked only for what a person would write. */
export function yamlExcess(text: string, limits: YamlLimits): string | undefined {
  const { characters, signs } = limits
  if (text.length > characters)
    return `it has ${text.length} characters, and Quorate reads at most ${characters} of such a text`
  let count = 0
  for (let at = 0; at < text.length; at++) count += isSign[text.charCodeAt(at)] ?? 0
  return count <= signs ? undefined : `it has ${count} signs of YAML, and Quorate reads at most ${signs} of such a text`
}

/** Where a key begins that its map has already; undefined where there is none. The library compares each with every other. */
export function repeatedKey(root: Node | null): number | undefined {
  let found: number | undefined
  visit(root, {
    Map(_, map: YAMLMap) {
      const seen = new Set<unknown>()
      for (const { key } of map.items as Pair[]) {
        if (!isScalar(key)) continue
        if (seen.has(key.value)) found = Math.min(found ?? Number.POSITIVE_INFINITY, key.range?.[0] ?? 0)
        seen.add(key.value)
      }
    },
  })
  return found
}
