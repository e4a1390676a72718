import {
  isCollection,
  isScalar,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  stringify,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { keyText, rangeOf, type YamlText } from './yaml-text.js'

/** What can be written: a list is only made longer, a map only where there is none. */
export type YamlValue = string | boolean | readonly YamlValue[] | { readonly [key: string]: YamlValue }

/** A piece of the text replaced by another. */
interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

function splice(text: string, edit: Edit): string {
  return text.slice(0, edit.start) + edit.text + text.slice(edit.end)
}

/** Whether a plain scalar is this string for YAML 1.2 and for 1.1, by which Kubernetes reads (`yes`, `on`, `0644`, `1:30` are none there). */
const isPlainly = (value: string): boolean =>
  parseDocument(value).toJS() === value && parseDocument(value, { version: '1.1' }).toJS() === value

/** A value as a YAML scalar; quoted unless it is plainly a string in every context. */
function scalarText(value: string): string {
  const plain = /^[A-Za-z0-9/][A-Za-z0-9._:/-]*$/.test(value) && !value.endsWith(':') && isPlainly(value)
  return plain ? value : JSON.stringify(value)
}

/** Outside of brackets and braces they may stand in a plain one: `https://[fd00::30]:6443`, as kubeadm writes it. */
function blockScalarText(value: string): string {
  const unbracketed = value.replaceAll(/[[\]]/g, '')
  const isPlain = !/^\[/.test(value) && scalarText(unbracketed) === unbracketed && isPlainly(value)
  return isPlain ? value : scalarText(value)
}

function quotedAs(type: unknown, value: string, inFlow: boolean): string {
  if (type === 'QUOTE_DOUBLE') return JSON.stringify(value)
  if (type === 'QUOTE_SINGLE') return `'${value.replaceAll("'", "''")}'`
  return inFlow ? scalarText(value) : blockScalarText(value)
}

/** Whether a node stands between brackets or braces, where some signs end a plain scalar. */
function isInFlow({ document }: YamlText, node: Node): boolean {
  let inFlow = false
  visit(document, {
    Node(_key, one, path) {
      if (one !== node) return undefined
      inFlow = path.some((above) => isCollection(above) && above.flow === true)
      return visit.BREAK
    },
  })
  return inFlow
}

/** The text with one scalar (or alias) replaced, in the quotes it had; not another byte changes. */
export function replaceScalar(yaml: YamlText, node: Node, value: string): string {
  const inFlow = isInFlow(yaml, node)
  // `null` and nothing have no quotes to keep; between braces it may be JSON.
  const isWord = isScalar(node) && node.type === 'PLAIN' && node.value !== null
  const type = !isScalar(node) || isWord || node.type !== 'PLAIN' || !inFlow ? (node as Scalar).type : 'QUOTE_DOUBLE'
  return replaceText(yaml, node, quotedAs(type, value, inFlow))
}

/** The text with one node replaced by other text; not another byte changes. */
export function replaceText({ text }: YamlText, node: Node, scalar: string): string {
  const { start, end } = rangeOf(node)
  // A block scalar's range ends after its newline, which belongs to what follows.
  const width = text.slice(start, end).trimEnd().length
  // An empty value begins right at the colon; `{"a":"b"}` has no space either, and needs none.
  const before = text[start - 1] === ':' && !/^["']/.test(scalar) ? ' ' : ''
  const after = width === 0 && text[start] === '#' ? ' ' : ''
  return splice(text, { start, end: start + width, text: before + scalar + after })
}

const lineEnding = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n')

/** Where the line of an offset begins; a byte order mark is no part of it. */
function lineStart(text: string, offset: number): number {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  return start === 0 && text.startsWith('\uFEFF') ? 1 : start
}

/** The offset of the line after the one that `offset` is in; the text's length at its end. */
function nextLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset
  const newline = text.indexOf('\n', offset)
  return newline === -1 ? text.length : newline + 1
}

/** `lines`, indented, as whole lines at `offset`, which is the start of a line or the end of the text. */
function insertLines(text: string, offset: number, lines: readonly string[]): Edit {
  const newline = lineEnding(text)
  const unfinished = offset > 0 && text[offset - 1] !== '\n' && offset !== lineStart(text, offset)
  const body = lines.join(newline)
  return { start: offset, end: offset, text: unfinished ? newline + body : body + newline }
}

/** Strings that YAML 1.1 takes for something else are quoted. */
const blockLines = (value: unknown, indent: string): string[] =>
  stringify(value, { lineWidth: 0, indentSeq: false, compat: 'yaml-1.1' })
    .trimEnd()
    .split('\n')
    .map((line) => indent + line)

const flowEntry = (value: unknown): string => JSON.stringify(value).slice(1, -1)

/** The comment lines right above a line belong to it: where they begin. */
function aboveComments(text: string, start: number): number {
  let at = start
  while (at > lineStart(text, 0)) {
    const previous = lineStart(text, at - 1)
    if (!/^[ \t]*#/.test(text.slice(previous, at))) break
    at = previous
  }
  return at
}

/** The column of a key: what is before it in its line is spaces, or a dash or question mark of its own width. */
const columnOf = (text: string, { start }: { readonly start: number }): number => start - lineStart(text, start)

function insertIntoBlockMap(text: string, map: YAMLMap, entry: Readonly<Record<string, unknown>>): Edit {
  const [key = ''] = Object.keys(entry)
  const starts = map.items.map((pair) => rangeOf(pair.key as Node).start)
  const first = starts[0] ?? 0
  const isExplicit = text.slice(lineStart(text, first), first).trimEnd().endsWith('?')
  const lines = blockLines(entry, ' '.repeat(columnOf(text, { start: first }) - (isExplicit ? 2 : 0)))
  // kubeadm writes its keys sorted: where the new one would be, if it had written it.
  const next = map.items.findIndex((pair, index) => {
    const start = starts[index] ?? 0
    return (keyText(pair) ?? '') > key && /^ *$/.test(text.slice(lineStart(text, start), start))
  })
  if (next !== -1) return insertLines(text, aboveComments(text, lineStart(text, starts[next] ?? 0)), lines)
  return insertLines(text, nextLine(text, endOfLastEntry(map)), lines)
}

function endOfLastEntry(map: YAMLMap): number {
  const last = map.items.at(-1)
  if (last === undefined) return rangeOf(map).end
  const value = last.value as Node | null
  return Math.max(rangeOf(last.key as Node).end, value === null ? 0 : rangeOf(value).end)
}

/** A new key; block or flow as the map is. */
export function insertKey({ text }: YamlText, map: YAMLMap, entry: Readonly<Record<string, unknown>>): string {
  if (!map.flow) return splice(text, insertIntoBlockMap(text, map, entry))
  const start = rangeOf(map).start + 1
  return splice(text, { start, end: start, text: flowEntry(entry) + (map.items.length === 0 ? '' : ', ') })
}

/** Between the brackets of `{}` or `[]` that hold a comment, or that stand between others. */
export function fillFlow(yaml: YamlText, node: Node | null, value: YamlValue): readonly string[] {
  const { text } = yaml
  if (!isCollection(node)) return []
  const { start, end } = rangeOf(node)
  const inside = text.slice(start + 1, end - 1)
  if (inside.trim() === '' && !isInFlow(yaml, node)) return []
  if (inside.trim() === '') return [splice(text, { start, end, text: JSON.stringify(value) })]
  // A comment ends its line, so the closing bracket has one of its own: a line before it, further in.
  const indent = text.slice(lineStart(text, end - 1), end - 1)
  return [splice(text, { start: end - 1, end: end - 1, text: `  ${flowEntry(value)}${lineEnding(text)}${indent}` })]
}

/** As lines of their own below the key; what stands for nothing (`{}`, `[]`, `null`) goes, comments stay. Else in the key's own line. */
export function fillBlock(
  yaml: YamlText,
  map: YAMLMap,
  { pair, value }: { pair: Pair; value: YamlValue },
): readonly string[] {
  const { text } = yaml
  const node = pair.value as Node | null
  const key = rangeOf(pair.key as Node)
  const colon = text.indexOf(':', key.end) + 1
  const { start, end } = node === null ? { start: colon, end: colon } : rangeOf(node)
  const width = text.slice(start, end).trimEnd().length
  const inline = node === null ? [] : [replaceText(yaml, node, JSON.stringify(value))]
  if (map.flow) return inline
  const without = splice(text, { start, end: start + width, text: '' })
  const lineEnd = width === 0 ? colon : start
  const [rest = ''] = /^[^\r\n]*/.exec(without.slice(lineEnd)) ?? []
  const indent = ' '.repeat(columnOf(text, key) + (Array.isArray(value) ? 0 : 2))
  // `key: {} # comment` keeps one space between colon and comment.
  const kept = without.slice(0, lineEnd) + (width === 0 ? rest.trimEnd() : rest.trim())
  const tail = without.slice(lineEnd + rest.length)
  const body = blockLines(value, indent).join(lineEnding(text))
  return [kept.trimEnd() + lineEnding(text) + body + tail, ...inline]
}

/** Items at the end of a list that holds some already, written as the last one is. */
export function appendItems(yaml: YamlText, list: YAMLSeq, items: readonly YamlValue[]): string {
  const { text } = yaml
  const [first, last] = [list.items[0] as Node, list.items.at(-1) as Node]
  const type = isScalar(last) ? last.type : undefined
  const written = (item: YamlValue): string => {
    if (typeof item !== 'string') return JSON.stringify(item)
    if (type === 'QUOTE_SINGLE') return quotedAs(type, item, true)
    return type === 'QUOTE_DOUBLE' && list.flow === true ? JSON.stringify(item) : scalarText(item)
  }
  if (list.flow) {
    const { end } = rangeOf(last)
    return splice(text, { start: end, end, text: items.map((item) => `, ${written(item)}`).join('') })
  }
  const dash = text.lastIndexOf('-', rangeOf(first).start - 1)
  const indent = ' '.repeat(dash - lineStart(text, dash))
  const lines = items.map((item) => `${indent}- ${written(item)}`)
  return splice(text, insertLines(text, nextLine(text, rangeOf(last).end), lines))
}
