import { isCollection, isMap, isScalar, isSeq, type Node, parseDocument, stringify, visit, type YAMLMap } from 'yaml'
import { QuorateError } from './errors.js'
import { findPair, keyText, nodeAt, rangeOf, type YamlPath, type YamlText } from './yaml-text.js'

/** A piece of the text replaced by another. */
interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

function splice(text: string, edit: Edit): string {
  return text.slice(0, edit.start) + edit.text + text.slice(edit.end)
}

/** A value as a YAML scalar; quoted unless it is plainly a string in every context. */
function scalarText(value: string): string {
  const plain =
    /^[A-Za-z0-9/][A-Za-z0-9._:/-]*$/.test(value) && !value.endsWith(':') && parseDocument(value).toJS() === value
  return plain ? value : JSON.stringify(value)
}

/** Outside of brackets and braces they may stand in a plain one: `https://[fd00::30]:6443`, as kubeadm writes it. */
function blockScalarText(value: string): string {
  const unbracketed = value.replaceAll(/[[\]]/g, '')
  const isPlain = !/^\[/.test(value) && scalarText(unbracketed) === unbracketed && parseDocument(value).toJS() === value
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
  const { start, end } = rangeOf(node)
  // A block scalar's range ends after its newline, which belongs to what follows.
  const width = yaml.text.slice(start, end).trimEnd().length
  const scalar = quotedAs(isScalar(node) ? node.type : undefined, value, isInFlow(yaml, node))
  // An empty value begins right at the colon; `{"a":"b"}` has no space either, and needs none.
  const space = yaml.text[start - 1] === ':' && !/^["']/.test(scalar) ? ' ' : ''
  return splice(yaml.text, { start, end: start + width, text: space + scalar })
}

/** The text with one plain scalar replaced by a word that YAML does not take for a string: `true`, `7`. */
export function replaceValue(yaml: YamlText, node: Node, word: string): string {
  const { start, end } = rangeOf(node)
  const width = yaml.text.slice(start, end).trimEnd().length
  const space = yaml.text[start - 1] === ':' ? ' ' : ''
  return splice(yaml.text, { start, end: start + width, text: space + word })
}

const lineEnding = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n')
const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1

/** The offset of the line after the one that `offset` is in; the text's length at its end. */
function nextLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset
  const newline = text.indexOf('\n', offset)
  return newline === -1 ? text.length : newline + 1
}

/** `lines`, indented, as whole lines at `offset`, which is the start of a line or the end of the text. */
function insertLines(text: string, offset: number, lines: readonly string[]): Edit {
  const newline = lineEnding(text)
  const unfinished = offset > 0 && text[offset - 1] !== '\n'
  const body = lines.join(newline)
  return { start: offset, end: offset, text: unfinished ? newline + body : body + newline }
}

const blockLines = (value: unknown, indent: string): string[] =>
  stringify(value, { lineWidth: 0, indentSeq: false })
    .trimEnd()
    .split('\n')
    .map((line) => indent + line)

function flowEntry(value: unknown): string {
  return JSON.stringify(value).slice(1, -1)
}

/** The comment lines right above a line belong to it: where they begin. */
function aboveComments(text: string, start: number): number {
  let at = start
  while (at > 0) {
    const previous = lineStart(text, at - 1)
    if (!/^[ \t]*#/.test(text.slice(previous, at))) break
    at = previous
  }
  return at
}

function insertIntoBlockMap(text: string, map: YAMLMap, entry: Readonly<Record<string, unknown>>): Edit {
  const [key = ''] = Object.keys(entry)
  const starts = map.items.map((pair) => rangeOf(pair.key as Node).start)
  const first = starts[0] ?? 0
  const indent = ' '.repeat(first - lineStart(text, first))
  const lines = blockLines(entry, indent)
  // kubeadm writes its keys sorted: where the new one would be, if it had written it.
  const next = map.items.findIndex((pair, index) => {
    const start = starts[index] ?? 0
    return (keyText(pair) ?? '') > key && text.slice(lineStart(text, start), start).trim() === ''
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

/** The text with a new key in the map at `path`, which must exist; block or flow as the map is. */
export function insertKey(yaml: YamlText, path: YamlPath, entry: Readonly<Record<string, unknown>>): string {
  const { text } = yaml
  const map = nodeAt(yaml, path)
  if (!isMap(map)) throw new QuorateError(yaml.code, `${yaml.what}: ${path.join('.') || 'the document'} is not a map`)
  if (!map.flow) return splice(text, insertIntoBlockMap(text, map, entry))
  const start = rangeOf(map).start + 1
  return splice(text, { start, end: start, text: flowEntry(entry) + (map.items.length === 0 ? '' : ', ') })
}

/**
 * The text with the empty value (`{}`, `[]`, `null` or nothing) of `key` in the map at `path` replaced by a map or list: as
 * lines of their own below a block key, inside the brackets of a flow one.
 */
export function fillEmpty(yaml: YamlText, path: YamlPath, key: string, value: unknown): string {
  const { text } = yaml
  const map = nodeAt(yaml, path)
  const pair = isMap(map) ? findPair(map, key) : undefined
  if (!isMap(map) || pair === undefined)
    throw new QuorateError(yaml.code, `${yaml.what}: no ${[...path, key].join('.')}`)
  const keyRange = rangeOf(pair.key as Node)
  const colon = text.indexOf(':', keyRange.end) + 1
  const end = pair.value === null ? colon : Math.max(colon, rangeOf(pair.value as Node).end)
  if (map.flow) return splice(text, { start: colon, end, text: ` ${JSON.stringify(value)}` })
  const column = keyRange.start - lineStart(text, keyRange.start)
  const indent = ' '.repeat(Array.isArray(value) ? column : column + 2)
  const [rest = ''] = /^[^\r\n]*/.exec(text.slice(end)) ?? []
  const body = [rest.trimEnd(), ...blockLines(value, indent)].join(lineEnding(text))
  return splice(text, { start: colon, end: end + rest.length, text: body })
}

/** The text with items added at the end of the list at `path`, which must hold some already. */
export function appendItems(yaml: YamlText, path: YamlPath, items: readonly string[]): string {
  const { text } = yaml
  const list = nodeAt(yaml, path)
  const [first, last] = isSeq(list) ? [list.items[0] as Node | undefined, list.items.at(-1) as Node | undefined] : []
  if (!isSeq(list) || first === undefined || last === undefined) {
    throw new QuorateError(yaml.code, `${yaml.what}: ${path.join('.')} is not a list`)
  }
  if (list.flow) {
    const { end } = rangeOf(last)
    return splice(text, { start: end, end, text: items.map((item) => `, ${scalarText(item)}`).join('') })
  }
  const dash = text.lastIndexOf('-', rangeOf(first).start - 1)
  const indent = ' '.repeat(dash - lineStart(text, dash))
  return splice(
    text,
    insertLines(
      text,
      nextLine(text, rangeOf(last).end),
      items.map((item) => `${indent}- ${scalarText(item)}`),
    ),
  )
}
