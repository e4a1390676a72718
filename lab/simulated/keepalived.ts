import { dirname, join, resolve } from 'node:path'
import type { Haproxy } from './haproxy.js'
import type { SimulatedNetwork } from './network.js'
import type { SimulatedNode } from './node.js'

export interface KeepalivedConfig {
  readonly virtualIp: string
  readonly prefixLength: number
  readonly priority: number
  readonly routerId: number
  readonly peers: readonly string[]
}

/** Reads the parts of keepalived's configuration that the laboratory needs; throws the errors of `--config-test`. */
export function readKeepalivedConfig(text: string): KeepalivedConfig {
  const lines = text.split('\n').map((line) => line.replace(/[#!].*/, '').trim())
  const plain = lines.join('\n')
  if ((plain.match(/{/g) ?? []).length !== (plain.match(/}/g) ?? []).length)
    throw new Error("(Line 1) Missing '}' at end of file")
  const value = (name: string): string | undefined => new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(plain)?.[1]
  const inside = (block: string): string[] =>
    (new RegExp(`${block}\\s*{([^}]*)}`).exec(plain)?.[1] ?? '')
      .trim()
      .split('\n')
      .map((line) => line.trim())
  const [virtual = ''] = inside('virtual_ipaddress')
  const [virtualIp = '', prefix = '32'] = (virtual.split(/\s/)[0] ?? '').split('/')
  if (virtualIp === '') throw new Error('No virtual_ipaddress configured')
  return {
    virtualIp,
    prefixLength: Number(prefix),
    priority: Number(value('priority') ?? 100),
    routerId: Number(value('virtual_router_id') ?? 0),
    peers: inside('unicast_peer').filter((line) => line !== ''),
  }
}

/** A configuration with each `include FOLDER/*.conf` line replaced by the files that it names. */
function withIncludes(node: SimulatedNode, path: string): string {
  const folder = dirname(path)
  return node.must(path).replace(/^\s*include\s+(\S+)\/\*(\.\w+)$/gm, (_, named: string, ending: string) => {
    const inside = resolve(folder, named)
    const files = node.list(inside).filter((name) => name.endsWith(ending))
    return files.map((name) => withIncludes(node, join(inside, name))).join('\n')
  })
}

/** One keepalived of a machine: its unit, its file, and the haproxy that its track_script checks. */
export interface Started {
  readonly unit: string
  readonly configPath: string
  readonly haproxy: () => Haproxy | undefined
}

interface Speaker {
  readonly node: SimulatedNode
  readonly config: KeepalivedConfig
  /** The haproxy that its track_script checks. */
  readonly haproxy: () => Haproxy | undefined
}

/** Every keepalived of the site, and the holder of each virtual address. All are BACKUP with nopreempt: a healthy holder keeps its address. */
export class VirtualAddresses {
  private readonly speakers = new Map<string, Speaker>()
  private readonly network: SimulatedNetwork

  constructor(network: SimulatedNetwork) {
    this.network = network
  }

  start(node: SimulatedNode, { unit, configPath, haproxy }: Started): void {
    const config = readKeepalivedConfig(withIncludes(node, configPath))
    this.speakers.set(`${node.name}/${unit}`, { node, config, haproxy })
  }

  stop(node: SimulatedNode, unit: string): void {
    const speaker = this.speakers.get(`${node.name}/${unit}`)
    this.speakers.delete(`${node.name}/${unit}`)
    if (speaker !== undefined) this.release(speaker)
  }

  holds(node: SimulatedNode): string | undefined {
    return [...this.network.floating].find(([, holder]) => holder === node)?.[0]
  }

  /** One check: a healthy node takes an address without a holder. */
  async settle(): Promise<void> {
    const addresses = new Set([...this.speakers.values()].map(({ config }) => config.virtualIp))
    for (const address of addresses) {
      const able = [...this.speakers.values()].filter(
        ({ node, config, haproxy }) => config.virtualIp === address && node.alive && haproxy() !== undefined,
      )
      const holder = this.network.floating.get(address)
      const present = able.find(({ node }) => node === holder)
      if (holder !== undefined && present === undefined) this.network.floating.delete(address)
      const next = present ?? able.sort((a, b) => b.config.priority - a.config.priority)[0]
      for (const speaker of this.speakers.values())
        if (speaker !== next && speaker.config.virtualIp === address) speaker.haproxy()?.unbind(address)
      if (next === undefined) continue
      this.network.floating.set(address, next.node)
      await next
        .haproxy()
        ?.bind(address)
        .catch(() => {})
    }
  }

  private release({ node, config, haproxy }: Speaker): void {
    if (this.network.floating.get(config.virtualIp) === node) this.network.floating.delete(config.virtualIp)
    haproxy()?.unbind(config.virtualIp)
  }
}
