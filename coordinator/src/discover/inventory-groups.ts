import { QuorateError } from '@quorate/shared/errors'
import { mostHosts } from './host-range.js'

/** Those of a host that say where it is. Variables of groups cannot: they would give several hosts one address. */
const wanted = ['ip', 'ansible_host', 'ansible_ssh_host'] as const
type Vars = Readonly<Partial<Record<(typeof wanted)[number], string>>>

interface Group {
  readonly hosts: Set<string>
  readonly children: Set<string>
}

/** An Ansible inventory: which hosts are in which group, and where they are. */
export class Inventory {
  private readonly groups = new Map<string, Group>()
  private readonly vars = new Map<string, Vars>()
  private readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Notes that a group exists. */
  addGroup(name: string): void {
    this.group(name)
  }

  addChild(group: string, child: string): void {
    this.group(group).children.add(child)
    this.group(child)
  }

  addHost(group: string, host: string, given: (name: string) => unknown): void {
    this.group(group).hosts.add(host)
    if (!this.vars.has(host) && this.vars.size >= mostHosts) throw this.tooMany()
    const own = wanted.map((name) => [name, given(name)] as const).filter(([, value]) => typeof value === 'string')
    this.vars.set(host, { ...this.vars.get(host), ...Object.fromEntries(own) })
  }

  get groupNames(): readonly string[] {
    return [...this.groups.keys()]
  }

  has(group: string): boolean {
    return this.groups.has(group)
  }

  varsOf(host: string): Vars {
    return this.vars.get(host) ?? {}
  }

  /** Hosts of a group and of its children, in the order of the inventory. */
  hostsIn(name: string): ReadonlySet<string> {
    const [found, seen, open] = [new Set<string>(), new Set([name]), [name]]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const group = this.groups.get(next)
      for (const host of group?.hosts ?? []) found.add(host)
      for (const child of [...(group?.children ?? [])].reverse()) if (seen.size < seen.add(child).size) open.push(child)
    }
    return found
  }

  private group(name: string): Group {
    const known = this.groups.get(name)
    if (known !== undefined) return known
    if (this.groups.size >= mostHosts) throw this.tooMany()
    const group = { hosts: new Set<string>(), children: new Set<string>() }
    this.groups.set(name, group)
    return group
  }

  private tooMany(): QuorateError {
    return new QuorateError('USAGE', `the inventory has more than ${mostHosts} hosts or groups`, {
      where: this.path,
      remedy: 'Name an inventory of this cluster alone.',
    })
  }
}

/** An error about a line of an inventory. */
export const inventoryError = (where: string, line: number, why: string): QuorateError =>
  new QuorateError('USAGE', `the inventory, line ${line}: ${why}`, {
    where,
    remedy: 'Correct the line; `ansible-inventory -i FILE --list` checks it.',
  })
