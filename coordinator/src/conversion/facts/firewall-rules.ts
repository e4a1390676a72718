import { BlockList, isIP, isIPv6 } from 'node:net'
import type { GetFirewallResponse } from '@quorate/shared/gen/quorate/v1/node_agent'

/** What others of the cluster send to a machine. */
export interface Traffic {
  /** Addresses of those that send it. */
  readonly from: readonly string[]
  /** TCP. */
  readonly ports: readonly number[]
  /** VRRP too: protocol 112. */
  readonly vrrp: boolean
  /** Interface with the machine's own address. */
  readonly interfaceName: string
}

/** What a firewall blocks, and the commands that change it. */
export interface Shut {
  readonly ports: readonly number[]
  readonly vrrp: boolean
  /** Where that was seen. */
  readonly evidence: string
  readonly remedy: string
}

/** What the rules of a machine block, as far as they can be read; undefined: nothing. */
export function shutBy(rules: GetFirewallResponse, traffic: Traffic): Shut | undefined {
  if (rules.ufwActive) return shutByUfw(rules.ufwFiles, traffic)
  return rules.firewalldZones === '' ? undefined : shutByFirewalld(rules.firewalldZones, traffic)
}

/** Whether an address is in a network, or is the address itself. */
function isWithin(address: string, network: string): boolean {
  if (network === 'any' || network === '0.0.0.0/0' || network === '::/0') return true
  const [base = '', prefix] = network.split('/')
  if (isIP(base) === 0 || isIPv6(base) !== isIPv6(address)) return false
  if (prefix === undefined) return base === address
  const family = isIPv6(base) ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  list.addSubnet(base, Number(prefix), family)
  return list.check(address, family)
}

/** `2379-2380` of firewalld, `2379:2380,6443` and `any` of ufw. */
const covers = (ports: string, port: number): boolean =>
  ports === 'any' ||
  ports.split(',').some((range) => {
    const [from = '', to = from] = range.split(/[-:]/)
    return Number(from) <= port && port <= Number(to)
  })

// ---- firewalld: firewall-cmd(1), --list-all-zones ------------------------------------------------------------------

interface Zone {
  readonly name: string
  /** `active`, `default, active`; '' for neither. */
  readonly is: string
  /** By their names: `ports`, `sources`; each of them a list of words. */
  readonly fields: Readonly<Record<string, readonly string[]>>
  readonly richRules: readonly string[]
}

/** Ports of firewalld's own services that a control plane may have been opened with (/usr/lib/firewalld/services). */
const services: Readonly<Record<string, string>> = {
  'kube-apiserver': '6443',
  'kube-api': '6443',
  'kube-control-plane': '6443,2379:2380,10250:10259',
  'kube-control-plane-secure': '6443,2379:2380,10250,10257,10259',
  kubelet: '10250',
  'kubelet-readonly': '10255',
  'etcd-client': '2379',
  'etcd-server': '2380',
  https: '443',
}

function zonesOf(text: string): readonly Zone[] {
  return text.split(/\n(?=\S)/).flatMap((block) => {
    const [head = '', ...lines] = block.split('\n')
    const [, name, is = ''] = /^(\S+)(?: \(([^)]*)\))?\s*$/.exec(head) ?? []
    if (name === undefined) return []
    const pairs = lines.flatMap((line) => {
      const [, key, value = ''] = /^ {2}([a-z -]+): ?(.*)$/.exec(line) ?? []
      return key === undefined ? [] : [[key, value.split(/\s+/).filter((word) => word !== '')] as const]
    })
    const richRules = lines.map((line) => line.trim()).filter((line) => line.startsWith('rule '))
    return [{ name, is, fields: Object.fromEntries(pairs), richRules }]
  })
}

const wordsOf = ({ fields }: Zone, field: string): readonly string[] => fields[field] ?? []

/** The zone that judges what comes from an address: by its source first, then by the interface, else the default one. */
function zoneOf(zones: readonly Zone[], { from, interfaceName }: { from: string; interfaceName: string }) {
  const active = zones.filter(({ is }) => is.includes('active'))
  return (
    active.find((zone) => wordsOf(zone, 'sources').some((source) => isWithin(from, source))) ??
    active.find((zone) => wordsOf(zone, 'interfaces').includes(interfaceName)) ??
    zones.find(({ is }) => is.includes('default')) ??
    active[0]
  )
}

/** A rich rule lets it in when it accepts, and its source is none or has the sender in it. */
function accepts({ richRules }: Zone, from: string, what: RegExp): boolean {
  return richRules.some((rule) => {
    const source = /source address="([^"]+)"/.exec(rule)?.[1]
    return /\baccept\b/.test(rule) && what.test(rule) && (source === undefined || isWithin(from, source))
  })
}

function letsIn(zone: Zone, from: string, port: number): boolean {
  const isOpen = (entry: string): boolean => entry.endsWith('/tcp') && covers(entry.replace('/tcp', ''), port)
  const ofServices = wordsOf(zone, 'services').some((name) => covers(services[name] ?? '', port))
  const rich = [...zone.richRules.join('\n').matchAll(/port port="([\d-]+)" protocol="tcp"/g)].map(
    ([, range = '']) => range,
  )
  const named = rich.find((range) => covers(range, port))
  return (
    isTrusting(zone) ||
    wordsOf(zone, 'ports').some(isOpen) ||
    ofServices ||
    (named !== undefined && accepts(zone, from, new RegExp(`port port="${named}" protocol="tcp"`))) ||
    accepts(zone, from, /^rule (?:family="\S+" )?source address="[^"]+" accept$/)
  )
}

const isTrusting = (zone: Zone): boolean => wordsOf(zone, 'target')[0] === 'ACCEPT'

const letsVrrpIn = (zone: Zone, from: string): boolean =>
  isTrusting(zone) ||
  wordsOf(zone, 'protocols').some((protocol) => protocol === 'vrrp' || protocol === '112') ||
  accepts(zone, from, /protocol value="(?:vrrp|112)"/) ||
  accepts(zone, from, /^rule (?:family="\S+" )?source address="[^"]+" accept$/)

function shutByFirewalld(text: string, traffic: Traffic): Shut | undefined {
  const zones = zonesOf(text)
  const judged = traffic.from.flatMap((from) => {
    const zone = zoneOf(zones, { from, interfaceName: traffic.interfaceName })
    if (zone === undefined) return []
    const ports = traffic.ports.filter((port) => !letsIn(zone, from, port))
    return [{ zone, ports, vrrp: traffic.vrrp && !letsVrrpIn(zone, from) }]
  })
  const shut = judged.filter(({ ports, vrrp }) => ports.length > 0 || vrrp)
  const [first] = shut
  if (first === undefined) return undefined
  const names = [...new Set(shut.map(({ zone }) => zone.name))]
  const ports = traffic.ports.filter((port) => shut.some((one) => one.ports.includes(port)))
  const vrrp = shut.some((one) => one.vrrp)
  const options = [...ports.map((port) => `--add-port=${port}/tcp`), ...(vrrp ? ['--add-protocol=vrrp'] : [])].join(' ')
  const commands = names.map((name) => `firewall-cmd --permanent --zone=${name} ${options}`)
  return {
    ports,
    vrrp,
    evidence: `firewalld, zone ${names.join(', ')}: ports: ${wordsOf(first.zone, 'ports').join(' ') || '(none)'}; protocols: ${wordsOf(first.zone, 'protocols').join(' ') || '(none)'}`,
    remedy: `On that node: ${commands.join(' && ')} && firewall-cmd --reload`,
  }
}

// ---- ufw: the tuples of its own rules files (ufw's src/backend_iptables.py) ------------------------------------------

interface UfwRule {
  readonly isAllowed: boolean
  readonly protocol: string
  readonly ports: string
  readonly source: string
}

function rulesOf(text: string): readonly UfwRule[] {
  return [...text.matchAll(/^### tuple ### (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)(.*)$/gm)].flatMap(
    ([, action = '', protocol = '', ports = '', , , source = '', rest = '']) =>
      /\bout(_\S+)?\b/.test(rest) || action.startsWith('route:')
        ? []
        : [{ isAllowed: /^(allow|limit)/.test(action), protocol, ports, source }],
  )
}

/** A line of before.rules, in three searches: in one, each `-p vrrp` would be followed to the end of the line. */
const acceptsVrrp = (line: string): boolean => {
  const at = line.search(/-p (?:vrrp|112)\b/)
  return at !== -1 && /^-A ufw6?-before-input\b/.test(line) && line.includes('-j ACCEPT', at)
}

function shutByUfw(files: Readonly<Record<string, string>>, traffic: Traffic): Shut | undefined {
  if (/^DEFAULT_INPUT_POLICY="?ACCEPT/m.test(files['/etc/default/ufw'] ?? '')) return undefined
  const rules = rulesOf([files['/etc/ufw/user.rules'], files['/etc/ufw/user6.rules']].join('\n'))
  // The first rule that fits decides.
  const isOpen = (from: string, port: number): boolean =>
    rules.find(
      ({ protocol, ports, source }) =>
        ['tcp', 'any'].includes(protocol) && covers(ports, port) && isWithin(from, source),
    )?.isAllowed ?? false
  const vrrpPasses = (from: string): boolean =>
    (files['/etc/ufw/before.rules'] ?? '').split('\n').some(acceptsVrrp) ||
    (rules.find(
      ({ protocol, ports, source }) =>
        (protocol === 'vrrp' || (protocol === 'any' && ports === 'any')) && isWithin(from, source),
    )?.isAllowed ??
      false)
  const ports = traffic.ports.filter((port) => traffic.from.some((from) => !isOpen(from, port)))
  const vrrpFrom = traffic.vrrp ? traffic.from.filter((from) => !vrrpPasses(from)) : []
  if (ports.length === 0 && vrrpFrom.length === 0) return undefined
  // ufw has no word for VRRP in older releases: all that comes from a machine lets it in.
  const commands = vrrpFrom.length > 0 ? traffic.from.map((from) => `ufw allow from ${from}`) : []
  if (vrrpFrom.length === 0) commands.push(`ufw allow proto tcp to any port ${ports.join(',')}`)
  return {
    ports,
    vrrp: vrrpFrom.length > 0,
    evidence: `ufw: ${rules.length === 0 ? 'no rule' : rules.map((rule) => `${rule.isAllowed ? 'allow' : 'deny'} ${rule.protocol} ${rule.ports} from ${rule.source}`).join('; ')}`,
    remedy: `On that node: ${commands.join(' && ')}`,
  }
}
