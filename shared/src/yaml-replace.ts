import { isDeepStrictEqual } from 'node:util'
import { isMap, type Node, stringify } from 'yaml'
import { findPair, nodeAt, rangeOf, readYaml, valueAt, type YamlPath, type YamlText, yamlError } from './yaml-text.js'

/**
 * The text with a list or map that is there replaced by another one, for what setIn does not do: it overwrites no list. Comments inside
 * of it are lost, nothing beside it changes; proved by reading it again.
 */
export function replaceAt(yaml: YamlText, path: YamlPath, value: object): string {
  const { text } = yaml
  const [above, key] = [path.slice(0, -1), String(path.at(-1))]
  const map = nodeAt(yaml, above)
  const pair = isMap(map) ? findPair(map, key) : undefined
  const refused = () =>
    yamlError(yaml, {
      line: 1,
      why: `${path.join('.')} cannot be replaced`,
      remedy: `write ${path.join('.')}: ${JSON.stringify(value)}`,
    })
  if (!isMap(map) || pair === undefined || pair.value === null) throw refused()
  const { start, end: keyEnd } = rangeOf(pair.key as Node)
  const colon = text.indexOf(':', keyEnd) + 1
  const until = colon + text.slice(colon, rangeOf(pair.value as Node).end).trimEnd().length
  const column = start - (text.lastIndexOf('\n', start - 1) + 1)
  const result =
    text.slice(0, colon) + entryText(value, { inline: map.flow === true, column, text }) + text.slice(until)
  const wanted = structuredClone(yaml.value) as Record<string, unknown>
  ;(valueAt(wanted, above) as Record<string, unknown>)[key] = value
  if (isDeepStrictEqual(readYaml(result, yaml.code, yaml.place).value, wanted)) return result
  throw refused()
}

function entryText(value: object, { inline, column, text }: { inline: boolean; column: number; text: string }): string {
  if (inline || Object.keys(value).length === 0) return ` ${JSON.stringify(value)}`
  const indent = ' '.repeat(Array.isArray(value) ? column : column + 2)
  const newline = text.includes('\r\n') ? '\r\n' : '\n'
  const lines = stringify(value, { lineWidth: 0, indentSeq: false }).trimEnd().split('\n')
  return newline + lines.map((line) => indent + line).join(newline)
}
