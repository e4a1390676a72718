import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  parseAllDocuments,
  parseDocument,
  type YAMLMap,
} from 'yaml'
import { type ErrorCode, QuorateError } from './errors.js'
import { clusterTexts, type TextPlace } from './text-place.js'
import { foreignLimits, repeatedKey, type YamlLimits, yamlExcess } from './yaml-limits.js'

export interface YamlText {
  readonly text: string
  readonly document: Document.Parsed
  /** Plain JSON value; aliases are copies, so that no part is shared with another. */
  readonly value: unknown
  readonly code: ErrorCode
  readonly place: TextPlace
  /** Line, from 1, of an offset in the text. */
  lineAt(offset: number): number
}

export type YamlPath = readonly (string | number)[]

/** What is wrong and what to do about it, by the parser's code; others are reported by their code only. */
const faults: Readonly<Record<string, readonly [string, string]>> = {
  TAB_AS_INDENT: ['a tab indents it, where YAML takes spaces alone', 'indent it with spaces'],
  DUPLICATE_KEY: ['this key is there twice', 'delete one of the two'],
  MULTIPLE_DOCS: ['a second document begins here, and only the first is read', 'delete the second document'],
  BAD_INDENT: ['its indentation fits nothing above it', 'indent it as the lines beside it'],
  MISSING_CHAR: ['a colon, comma, quote or bracket is missing', 'close what is open'],
  BAD_ALIAS: ['an alias or anchor is not complete', 'write the value out in the place of the alias'],
  MULTILINE_IMPLICIT_KEY: ['a key goes over several lines', 'write the key and its colon in one line'],
  UNEXPECTED_TOKEN: ['something stands here that does not belong', 'quote the value, or delete what is too much'],
}

/** An error about one line of a text: what, the line, and what to type. `remedy` follows the command that opens the text. */
export function yamlError(
  { code, place: { what, where, edit } }: Pick<YamlText, 'code' | 'place'>,
  at: { readonly line: number; readonly why: string; readonly remedy: string; readonly cause?: unknown },
): QuorateError {
  const { line, why, remedy, cause } = at
  return new QuorateError(code, `${what}, line ${line}: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    ...(where === undefined ? {} : { where }),
    remedy: `${edit}, then in line ${line} of ${what}: ${remedy}.`,
  })
}

/** Reads one YAML document as Kubernetes does (merge keys included). Every way to be unreadable is `code`, with the line and never the content. */
export function readYaml(
  text: string,
  code: ErrorCode,
  place: TextPlace,
  limits: YamlLimits = foreignLimits,
): YamlText {
  const lines = new LineCounter()
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line)
  const subject = { code, place }
  refuseExcess(text, subject, limits)
  try {
    const document = onlyDocument(text, lines)
    const problem = firstProblem(document)
    if (problem !== undefined) {
      const [why, remedy] = faults[problem.code] ?? ['it is not valid YAML', 'correct it']
      throw yamlError(subject, { line: lineAt(problem.at), why: `${why} (${problem.code})`, remedy })
    }
    const json: string | undefined = JSON.stringify(document.toJS())
    return { text, document, value: json === undefined ? null : JSON.parse(json), ...subject, lineAt }
  } catch (error) {
    if (error instanceof QuorateError) throw error
    throw tooMuch(subject, text, { lineAt, cause: error })
  }
}

function refuseExcess(text: string, subject: Pick<YamlText, 'code' | 'place'>, limits = foreignLimits): void {
  const why = yamlExcess(text, limits)
  if (why !== undefined)
    throw yamlError(subject, { line: 1, why, remedy: 'delete what nothing uses, or put another file there' })
}

function firstProblem({ errors: [error], contents }: Document.Parsed): { code: string; at: number } | undefined {
  const repeated = repeatedKey(contents)
  if (repeated !== undefined && (error === undefined || repeated < error.pos[0]))
    return { code: 'DUPLICATE_KEY', at: repeated }
  return error === undefined ? undefined : { code: error.code, at: error.pos[0] }
}

/** Aliases that name nothing, go in a circle or would fill the memory; else brackets deeper than the stack, which begin at the first. */
function tooMuch(
  subject: Pick<YamlText, 'code' | 'place'>,
  text: string,
  { lineAt, cause }: { readonly lineAt: YamlText['lineAt']; readonly cause: unknown },
): QuorateError {
  const alias = text.search(/(?<=[\s[{,:-])\*[^\s,\]}]/)
  return alias === -1
    ? yamlError(subject, { line: 1, why: 'it is nested too deeply to be read', remedy: 'delete the brackets', cause })
    : yamlError(subject, {
        line: lineAt(alias),
        why: 'an alias has no anchor, leads to itself or stands for too much',
        remedy: 'write out what the alias stands for',
        cause,
      })
}

/** Documents of nothing at the end are none: go-yaml, with which Kubernetes reads, stops after the first. */
function onlyDocument(text: string, lineCounter: LineCounter): Document.Parsed {
  const options = { merge: true, prettyErrors: false, logLevel: 'error', uniqueKeys: false, lineCounter } as const
  const document = parseDocument(text, options)
  const [error] = document.errors
  if (error?.code !== 'MULTIPLE_DOCS') return document
  const [, ...more] = parseAllDocuments(text, { ...options, lineCounter: new LineCounter() })
  if (more.every(({ contents, errors }) => isScalar(contents) && contents.source === '' && errors.length === 0))
    document.errors.shift()
  return document
}

/**
 * The first document of a ClusterConfiguration by itself: without a byte order mark, directives, comments and the marker before it, and without what
 * follows it. So it can stand behind a marker of our own.
 */
export function documentBody(text: string): string {
  refuseExcess(text, { code: 'CONFIG_MAP_INVALID', place: clusterTexts.clusterConfiguration })
  let [start, end, begun] = [0, text.length, false]
  for (const token of new Parser().parse(text)) {
    if (token.type === 'document') {
      if (begun) return text.slice(start, token.offset)
      begun = true
      const marker = token.start.find(({ type }) => type === 'doc-start')
      start = marker === undefined ? token.offset : marker.offset + marker.source.length
    } else if (token.type === 'doc-end' && begun) {
      end = token.offset
      break
    } else if (token.type === 'byte-order-mark') start = 1
  }
  return text.slice(start, end).replace(/^[ \t]*\r?\n/, '')
}

/** Where a node's own text begins and ends; anchors and tags are before it. */
export function rangeOf(node: Node): { readonly start: number; readonly end: number } {
  const [start, end] = node.range ?? [0, 0]
  return { start, end }
}

/** A scalar key's text. */
export const keyText = (pair: Pair): string | undefined => (isScalar(pair.key) ? String(pair.key.value) : undefined)

/** By key, for maps that were asked: those with thousands of keys are asked for each. */
const pairsOf = new WeakMap<YAMLMap, ReadonlyMap<string | undefined, Pair>>()

/** The pair of a key, as it stands in the text. */
export function findPair(map: YAMLMap, key: string): Pair | undefined {
  const known = pairsOf.get(map) ?? new Map(map.items.map((pair) => [keyText(pair), pair as Pair]))
  pairsOf.set(map, known)
  return known.get(key)
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

/** Line, from 1, of the key (or list item) that a path ends at; of the nearest one above it that the text has. */
export function lineOf(yaml: YamlText, path: YamlPath): number {
  for (let length = path.length; length > 0; length--) {
    const parent = nodeAt(yaml, path.slice(0, length - 1))
    const last = path[length - 1]
    const pair = isMap(parent) ? findPair(parent, String(last)) : undefined
    const node = pair === undefined ? nodeAt(yaml, path.slice(0, length)) : (pair.key as Node)
    if (node !== undefined) return yaml.lineAt(rangeOf(node).start)
  }
  return 1
}

/** The value at a path; undefined where there is none. */
export function valueAt(value: unknown, path: YamlPath): unknown {
  return path.reduce<unknown>(
    (part, key) =>
      typeof part === 'object' && part !== null ? (part as Record<string | number, unknown>)[key] : undefined,
    value,
  )
}

/** Every scalar of a document with its path, in the order of the text. */
export function* scalarsOf(
  value: unknown,
  path: YamlPath = [],
): Generator<{ readonly path: YamlPath; readonly value: string | number | boolean }> {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') yield { path, value }
  else if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* scalarsOf(item, [...path, index])
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) yield* scalarsOf(item, [...path, key])
}
