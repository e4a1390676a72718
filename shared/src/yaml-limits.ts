import { isScalar, type Node, type Pair, visit, type YAMLMap } from 'yaml'

/** How much of a text is work: its characters, and the signs by which YAML makes tokens, each by its weight. */
export interface YamlLimits {
  readonly characters: number
  readonly signs: number
}

/**
 * Of what a node's users and the cluster write: the API keeps ConfigMaps of up to 1 MiB, mostly certificates in base64, of one token each.
 * kubeadm's own texts weigh a few hundred, a kubeconfig of 200 clusters 6,000, with programs of a cloud for users 12,000. A weight of 1 is
 * about 6 µs of the parser.
 */
export const foreignLimits: YamlLimits = { characters: 1024 * 1024, signs: 14_000 }

/** kubeadm's own weighs a few hundred, one with 500 certSANs in quotes 4,000. An edit reads it three times: before, and to prove each change. */
export const clusterConfigurationLimits: YamlLimits = { ...foreignLimits, signs: 5_000 }

/** Of a cluster file, which its operator writes: one of 2,000 nodes weighs 20,000. */
export const clusterFileLimits: YamlLimits = { characters: 4 * 1024 * 1024, signs: 24_000 }

/** By what the parser takes for each: what opens something costs more than what ends it, and anchors and aliases are looked up. */
const weightOf = new Uint8Array(128)
for (const [weight, signs] of Object.entries({ 1: '\n:,-?]}#!|>%@`', 3: '"\'', 4: '[{', 6: '&*' }))
  for (const sign of signs) weightOf[sign.charCodeAt(0)] = Number(weight)

const [lineFeed, space, dash, slash, colon] = [0x0a, 0x20, 0x2d, 0x2f, 0x3a]
/** A dash or a colon before a letter, a digit, a dash or a slash is within a word: `kube-system`, `--a`, `https://a:6443`. */
const isInWord = (next: number): boolean =>
  next === dash || next === slash || (next >= 0x30 && next <= 0x39) || ((next | 0x20) >= 0x61 && (next | 0x20) <= 0x7a)

/** One line holds one key, outside of braces and quotes; the parser takes each further `: ` for a map inside of the one before. */
const [usualColons, furtherColon] = [4, 8]

/** Why a text is not parsed at all; undefined where it may be. The parser is linear, but slow: it is asked only for what a person would write. */
export function yamlExcess(text: string, limits: YamlLimits): string | undefined {
  const { characters, signs } = limits
  if (text.length > characters)
    return `it has ${text.length} characters, and Quorate reads at most ${characters} of such a text`
  const weight = weightOfSigns(text)
  return weight <= signs
    ? undefined
    : `its signs of YAML weigh ${weight}, and Quorate reads at most ${signs} of such a text`
}

function weightOfSigns(text: string): number {
  let [weight, colons] = [0, 0]
  for (let at = 0; at < text.length; at++) {
    const sign = text.charCodeAt(at)
    if ((sign !== dash && sign !== colon) || !isInWord(text.charCodeAt(at + 1))) weight += weightOf[sign] ?? 0
    if (sign === lineFeed) colons = 0
    if (sign === colon && text.charCodeAt(at + 1) === space && ++colons > usualColons) weight += furtherColon
  }
  return weight
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
