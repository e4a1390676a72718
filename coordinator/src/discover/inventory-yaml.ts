import { clusterFileLimits } from '@quorate/shared/yaml-limits'
import { lineOf, readYaml, type YamlPath, type YamlText } from '@quorate/shared/yaml-text'
import { hostsOf } from './host-range.js'
import { Inventory, inventoryError } from './inventory-groups.js'

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Groups of groups of a real inventory are three or four deep. */
const mostLevels = 20

interface Reading {
  readonly yaml: YamlText
  readonly inventory: Inventory
  readonly path: string
}

/** An inventory in Ansible's YAML format: groups with `hosts` and `children`. */
export function readYamlInventory(text: string, path: string): Inventory {
  const place = { what: 'the inventory', where: path, edit: `vi ${path}` }
  const yaml = readYaml(text, 'USAGE', place, clusterFileLimits)
  const reading = { yaml, path, inventory: new Inventory(path) }
  const groups = mapAt(reading, yaml.value, [])
  for (const name of Object.keys(groups)) readGroup(reading, groups, [name])
  return reading.inventory
}

/** A map, or nothing at all: a group without hosts is written so. */
function mapAt({ yaml, path }: Reading, value: unknown, at: YamlPath): Json {
  if (value === null || value === undefined) return {}
  if (isObject(value)) return value
  throw inventoryError(path, lineOf(yaml, at), at.length === 0 ? 'it is not a map of groups' : 'here belongs a map')
}

function readGroup(reading: Reading, parent: Json, at: YamlPath): void {
  const name = String(at.at(-1))
  const { inventory, path, yaml } = reading
  if (at.length > mostLevels * 2) throw inventoryError(path, lineOf(yaml, at), 'its groups are nested too deeply')
  const group = mapAt(reading, parent[name], at)
  inventory.addGroup(name)
  for (const [pattern, value] of Object.entries(mapAt(reading, group['hosts'], [...at, 'hosts']))) {
    const place = [...at, 'hosts', pattern]
    const names = hostsOf(pattern)
    if (names === undefined)
      throw inventoryError(path, lineOf(yaml, place), 'a range is [1:9] or [a:f], of at most 5000 hosts')
    const vars = mapAt(reading, value, place)
    for (const host of names) inventory.addHost(name, host, (wanted) => vars[wanted])
  }
  const children = mapAt(reading, group['children'], [...at, 'children'])
  for (const child of Object.keys(children)) {
    inventory.addChild(name, child)
    readGroup(reading, children, [...at, 'children', child])
  }
}
