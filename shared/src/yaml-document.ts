import { isCollection, isMap, isPair, isScalar, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml'
import { clusterFileLimits, repeatedKey, yamlExcess } from './yaml-limits.js'

/** A value's way from the root: keys and indexes. */
export type YamlPath = readonly (string | number)[]

/** One YAML document as plain data that still knows where it stood. */
export interface PositionedYaml {
  /** Plain data; undefined when `problems` is not empty. */
  readonly value: unknown
  /** Line, from 1, of a key (of an entry in a list); of the nearest parent that exists where it does not. */
  lineOf(path: YamlPath): number
  /** What is not YAML, or more than one document, or a key given twice. */
  readonly problems: readonly { readonly line: number; readonly message: string }[]
}

/** Reads one YAML 1.2 document. Never throws: what is wrong is in `problems`. */
export function readPositionedYaml(text: string): PositionedYaml {
  const lines = new LineCounter()
  const excess = yamlExcess(text, clusterFileLimits)
  if (excess !== undefined) return { value: undefined, lineOf: () => 1, problems: [{ line: 1, message: excess }] }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false })
  const at = (offset: number) => Math.max(1, lines.linePos(offset).line)
  const lineOf = (path: YamlPath) => at(offsetOf(document.contents, path))
  const problems = document.errors.map(({ pos, message }) => ({
    line: at(pos[0]),
    message: message.replaceAll(/\s+/g, ' ').trim(),
  }))
  const repeated = repeatedKey(document.contents)
  if (repeated !== undefined) problems.push({ line: at(repeated), message: 'Map keys must be unique' })
  if (problems.length > 0) return { value: undefined, lineOf, problems }
  try {
    return { value: document.toJS(), lineOf, problems }
  } catch (error) {
    // Aliases that name nothing, or so many that they would fill the memory.
    return {
      value: undefined,
      lineOf,
      problems: [{ line: 1, message: error instanceof Error ? error.message : String(error) }],
    }
  }
}

function offsetOf(root: ParsedNode | null, path: YamlPath): number {
  let offset = root?.range[0] ?? 0
  let node: Node | null = root
  for (const part of path) {
    if (!isCollection(node)) break
    const found: unknown = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      : node.items[Number(part)]
    if (found === undefined || found === null) break
    const [start, value] = isPair(found)
      ? [found.key as Node, found.value as Node | null]
      : [found as Node, found as Node]
    offset = start.range?.[0] ?? offset
    node = value
  }
  return offset
}
