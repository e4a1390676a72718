import { hostsOf } from './host-range.js'
import { Inventory, inventoryError } from './inventory-groups.js'

type Section = 'hosts' | 'children' | 'vars'

/** An inventory in Ansible's INI format: sections of hosts, and `:children`. Sections of `:vars` say of no host where it is. */
export function readIniInventory(text: string, path: string): Inventory {
  const inventory = new Inventory(path)
  let at: { group: string; section: Section } = { group: 'ungrouped', section: 'hosts' }
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line === '' || /^[#;]/.test(line)) continue
    const fail = (why: string) => inventoryError(path, index + 1, why)
    if (line.startsWith('[')) {
      const header = /^\[([^\]:\s]+)(?::(children|vars))?\]\s*([#;].*)?$/.exec(line)
      if (header === null) throw fail('a section is [GROUP], [GROUP:children] or [GROUP:vars]')
      at = { group: header[1] ?? '', section: (header[2] as Section | undefined) ?? 'hosts' }
      inventory.addGroup(at.group)
    } else if (at.section === 'children') inventory.addChild(at.group, words(line)[0] ?? '')
    else if (at.section === 'hosts') readHost(inventory, at.group, { line, fail })
  }
  return inventory
}

function readHost(
  inventory: Inventory,
  group: string,
  { line, fail }: { readonly line: string; fail(why: string): Error },
): void {
  const [first = '', ...rest] = words(line)
  const vars = new Map<string, string>()
  for (const word of rest) {
    const equals = word.indexOf('=')
    if (equals < 1) throw fail('behind a host stand variables, NAME=VALUE')
    vars.set(word.slice(0, equals), word.slice(equals + 1))
  }
  const hosts = hostsOf(withoutPort(first))
  if (hosts === undefined) throw fail('a range is [1:9] or [a:f], of at most 5000 hosts')
  for (const host of hosts) inventory.addHost(group, host, (name) => vars.get(name))
}

/** A port of ssh may follow the name; what has more colons outside of a range is an IPv6 address. */
const withoutPort = (host: string): string => /^((?:[^:[]|\[[^\]]*\])+):\d+$/.exec(host)?.[1] ?? host

/** Words of a line as a shell would split them, up to a comment. */
function words(line: string): readonly string[] {
  const found: string[] = []
  for (const [match] of line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    if (match.startsWith('#')) break
    found.push(match.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'))
  }
  return found
}
