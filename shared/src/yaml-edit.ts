import { isDeepStrictEqual } from 'node:util'
import { isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml'
import { QuorateError } from './errors.js'
import {
  appendItems,
  fillBlock,
  fillFlow,
  insertKey,
  replaceScalar,
  replaceText,
  type YamlValue,
} from './yaml-splice.js'
import { findPair, lineOf, nodeAt, readYaml, valueAt, type YamlPath, type YamlText, yamlError } from './yaml-text.js'

/**
 * The text with `value` at `path`; not another value changes, and every comment, quote and empty line stays. Maps on the way that are
 * not there are made; a list that holds some items already gets those that it lacks at its end. Proved by reading it again; where no way
 * of writing it passes, an error with the line and what to write.
 */
export function setIn(yaml: YamlText, path: YamlPath, value: YamlValue): string {
  return editIn(yaml, path, value).text
}

/** `setIn`, for another edit of what it makes: that was read already. */
export function editIn(yaml: YamlText, path: YamlPath, value: YamlValue): YamlText {
  const present = valueAt(yaml.value, path)
  if (isDeepStrictEqual(present, value)) return yaml
  const [parent, key] = [path.slice(0, -1), path.at(-1)]
  const above = valueAt(yaml.value, parent)
  if (parent.length > 0 && isNothing(above)) return editIn(yaml, parent, { [String(key)]: value })
  refuseOther(yaml, { path, present, above, value })
  const wanted = withValue(yaml.value, path, value)
  for (const text of candidates(yaml, path, value)) {
    const proved = readAs(yaml, text, wanted)
    if (proved !== undefined) return proved
  }
  throw cannotEdit(yaml, path, value, 'it cannot be changed without changing another part of the text')
}

function cannotEdit(yaml: YamlText, path: YamlPath, value: YamlValue, why: string): QuorateError {
  const name = path.join('.')
  const remedy = `write ${name}: ${JSON.stringify(value)} without anchors, aliases and merge keys`
  return yamlError(yaml, { line: lineOf(yaml, path), why: `${name}: ${why}`, remedy })
}

const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)

/** A value of another kind is a mistake that Quorate does not overwrite. */
function refuseOther(
  yaml: YamlText,
  { path, present, above, value }: { path: YamlPath; present: unknown; above: unknown; value: YamlValue },
): void {
  if (typeof above !== 'object' || above === null || Array.isArray(above))
    throw cannotEdit(yaml, path, value, `${path.slice(0, -1).join('.') || 'the document'} is not a map`)
  const isKind =
    present === undefined ||
    present === null ||
    (typeof value === 'object' && isNothing(present)) ||
    (typeof value !== 'object' && typeof present !== 'object') ||
    (Array.isArray(value) && Array.isArray(present) && isDeepStrictEqual(value.slice(0, present.length), present))
  if (!isKind)
    throw cannotEdit(
      yaml,
      path,
      value,
      `it is ${Array.isArray(value) ? 'not a list of these' : 'another kind of value'}`,
    )
}

function withValue(value: unknown, path: YamlPath, leaf: YamlValue): unknown {
  const copy = structuredClone(value) as Record<string, unknown>
  const parent = valueAt(copy, path.slice(0, -1)) as Record<string | number, unknown>
  parent[path.at(-1) as string] = leaf
  return copy
}

/** The text, read, if its value is the wanted one. */
function readAs({ code, place }: YamlText, text: string, wanted: unknown): YamlText | undefined {
  try {
    const read = readYaml(text, code, place)
    return isDeepStrictEqual(read.value, wanted) ? read : undefined
  } catch (error) {
    if (error instanceof QuorateError) return undefined
    throw error
  }
}

/** Ways to write it, the one that looks most like what is there first. */
function candidates(yaml: YamlText, path: YamlPath, value: YamlValue): readonly string[] {
  const map = mapAt(yaml, path.slice(0, -1))
  const key = String(path.at(-1))
  const pair = map === undefined ? undefined : findPair(map, key)
  if (map === undefined) return inPlaceOfAlias(yaml, path, value)
  if (pair === undefined) return [insertKey(yaml, map, { [key]: value })]
  const node = pair.value as Node | null
  const isEmpty = node === null || isNothing(valueAt(yaml.value, path))
  const ways: readonly string[] = [
    ...((isScalar(node) || isAlias(node)) && typeof value === 'string' ? [replaceScalar(yaml, node, value)] : []),
    ...(isScalar(node) && typeof value === 'boolean' ? [replaceText(yaml, node, String(value))] : []),
    ...(isSeq(node) && !isEmpty
      ? [appendItems(yaml, node, (value as readonly YamlValue[]).slice(node.items.length))]
      : []),
    ...(isEmpty && !isAlias(node) ? [fillFlow(yaml, node, value), fillBlock(yaml, map, { pair, value })] : []).flat(),
  ]
  return [...ways, ...inPlaceOfAlias(yaml, path, value)]
}

/** The map at a path as it stands in the text; one behind an alias is used elsewhere as well. */
function mapAt(yaml: YamlText, path: YamlPath): YAMLMap | undefined {
  const node = path.length === 0 ? yaml.document.contents : nodeAt(yaml, path)
  return isMap(node) ? node : undefined
}

/** What an alias stands for is written out in its place, in one line: whatever else shares it stays as it is. */
function inPlaceOfAlias(yaml: YamlText, path: YamlPath, value: YamlValue): readonly string[] {
  for (let length = path.length; length > 0; length--) {
    const node = nodeAt(yaml, path.slice(0, length))
    if (!isAlias(node)) continue
    const whole = valueAt(withValue(yaml.value, path, value), path.slice(0, length))
    return [replaceText(yaml, node, JSON.stringify(whole))]
  }
  return []
}
