import { isCollection, isMap, isScalar, type Node, stringify } from 'yaml'
import { type ErrorCode, QuorateError } from './errors.js'
import { insertKey } from './yaml-splice.js'
import { findPair, nodeAt, rangeOf, readYaml, type YamlPath, type YamlText } from './yaml-text.js'

/** What a text is, for its errors. */
interface Document {
  readonly code: ErrorCode
  readonly what: string
}

/** The text with a map, list or string at a path; maps on the way are made. What is beside the path keeps its bytes. */
export function setAt(source: string, path: readonly string[], value: unknown, document: Document): string {
  const yaml = readYaml(source, document.code, document.what)
  const depth = existingDepth(yaml, path)
  const [above, key, below] = [path.slice(0, depth), path[depth] ?? '', path.slice(depth + 1)]
  const parent = nodeAt(yaml, above)
  if (!isMap(parent)) throw new QuorateError(yaml.code, `${yaml.what}: ${above.join('.')} is not a map`)
  const whole = below.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
  const pair = findPair(parent, key)
  if (pair === undefined) return insertKey(yaml, parent, { [key]: whole })
  return replaceEntry(yaml, { above, key }, whole)
}

/** How many of the path's maps are there and have something in them. */
function existingDepth(yaml: YamlText, path: YamlPath): number {
  let depth = 0
  while (depth < path.length - 1) {
    const node = nodeAt(yaml, path.slice(0, depth + 1))
    if (!isMap(node) || node.items.length === 0) break
    depth++
  }
  return depth
}

interface Place {
  readonly above: readonly string[]
  readonly key: string
}

function replaceEntry(yaml: YamlText, { above, key }: Place, value: unknown): string {
  const { text } = yaml
  const map = nodeAt(yaml, above)
  const pair = isMap(map) ? findPair(map, key) : undefined
  if (!isMap(map) || pair === undefined)
    throw new QuorateError(yaml.code, `${yaml.what}: no ${[...above, key].join('.')}`)
  const { start: keyStart, end: keyEnd } = rangeOf(pair.key as Node)
  const colon = text.indexOf(':', keyEnd) + 1
  const lineBegin = text.lastIndexOf('\n', keyStart - 1) + 1
  const entry = entryText(value, { flow: map.flow === true, column: keyStart - lineBegin, text })
  // The comment behind an empty value belongs to the key, and its line.
  const empty = map.flow === true || !isEmpty(pair.value) ? null : emptyLine.exec(text.slice(colon))
  if (empty !== null) {
    const [line = '', comment = ''] = empty
    const written = entry.startsWith(' ') ? entry + comment : comment + entry
    return text.slice(0, colon) + written + text.slice(colon + line.length)
  }
  const end = pair.value === null ? colon : rangeOf(pair.value as Node).end
  const until = colon + text.slice(colon, Math.max(colon, end)).trimEnd().length
  return text.slice(0, colon) + entry + text.slice(until)
}

/** What is left of a key's line where its value is nothing, null, or an empty map, list or string. */
const emptyLine = /^[ \t]*(?:\{ *\}|\[ *\]|null|Null|NULL|~|""|'')?((?:[ \t]+#[^\r\n]*)?)[ \t]*(?=\r?\n|$)/

const isEmpty = (node: unknown): boolean =>
  node === null ||
  (isScalar(node) && (node.value === null || node.value === '')) ||
  (isCollection(node) && node.items.length === 0)

function entryText(value: unknown, { flow, column, text }: { flow: boolean; column: number; text: string }): string {
  if (flow || typeof value !== 'object' || Object.keys(value as object).length === 0) return ` ${JSON.stringify(value)}`
  const indent = ' '.repeat(Array.isArray(value) ? column : column + 2)
  const newline = text.includes('\r\n') ? '\r\n' : '\n'
  const lines = stringify(value, { lineWidth: 0, indentSeq: false }).trimEnd().split('\n')
  return newline + lines.map((line) => indent + line).join(newline)
}
