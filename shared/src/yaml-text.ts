import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml'
import { type ErrorCode, QuorateError } from './errors.js'

export interface YamlText {
  readonly text: string
  readonly document: Document.Parsed
  /** Plain JSON value; aliases are copies, so that no part is shared with another. */
  readonly value: unknown
  readonly code: ErrorCode
  /** What the text is, for messages: `kubeconfig`. */
  readonly what: string
}

export type YamlPath = readonly (string | number)[]

/** Reads one YAML document as Kubernetes does (merge keys included). Every way to be unreadable is `code`, with the line and never the content. */
export function readYaml(text: string, code: ErrorCode, what: string): YamlText {
  const lines = new LineCounter()
  try {
    const document = parseDocument(text, { merge: true, prettyErrors: false, logLevel: 'error', lineCounter: lines })
    const problem = document.errors[0]
    if (problem !== undefined) {
      throw new QuorateError(
        code,
        `${what} is not valid YAML: ${problem.code} in line ${lines.linePos(problem.pos[0]).line}`,
      )
    }
    const json: string | undefined = JSON.stringify(document.toJS())
    return { text, document, value: json === undefined ? null : JSON.parse(json), code, what }
  } catch (error) {
    if (error instanceof QuorateError) throw error
    throw new QuorateError(code, `${what} cannot be read: ${error instanceof Error ? error.name : 'unknown error'}`, {
      cause: error,
    })
  }
}

/** Where a node's own text begins and ends; anchors and tags are before it. */
export function rangeOf(node: Node): { readonly start: number; readonly end: number } {
  const [start, end] = node.range ?? [0, 0]
  return { start, end }
}

/** A scalar key's text. */
export const keyText = (pair: Pair): string | undefined => (isScalar(pair.key) ? String(pair.key.value) : undefined)

/** The pair of a key, as it stands in the text. */
export function findPair(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => keyText(pair) === key)
}

/** The node at a path as it stands in the text; aliases on the way are followed, one at its end is not. Undefined when there is none. */
export function nodeAt(yaml: YamlText, path: YamlPath): Node | undefined {
  let node: unknown = yaml.document.contents
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(yaml.document)
    if (isMap(node)) node = findPair(node, String(key))?.value
    else if (isSeq(node)) node = node.items[Number(key)]
    else return undefined
  }
  return node === undefined || node === null ? undefined : (node as Node)
}
