import { isIP } from 'node:net'
import { QuorateError } from '@quorate/shared/errors'
import { isDnsName } from '@quorate/shared/names'
import type { Inventory } from './inventory-groups.js'
import { readIniInventory } from './inventory-ini.js'
import { readYamlInventory } from './inventory-yaml.js'
import { inComment, type Machine } from './sight.js'

/** The machines of an inventory by what they are to the cluster. */
export interface InventorySight {
  readonly controlPlanes: readonly Machine[]
  readonly workers: readonly Machine[]
}

export type Role = 'control-plane' | 'worker'

/** Groups that stand for a role unless `--group` says otherwise: those of kubespray, and those of many tutorials. */
const usualGroups: Readonly<Record<Role, readonly string[]>> = {
  'control-plane': ['kube_control_plane', 'masters'],
  worker: ['kube_node', 'workers'],
}

/** Reads an inventory; by the name of its file or its first line it is YAML or INI. USAGE for what is neither. */
export function readInventory(text: string, path: string): Inventory {
  if (text.startsWith('$ANSIBLE_VAULT'))
    throw new QuorateError('USAGE', 'the inventory is encrypted with Ansible Vault', {
      where: path,
      remedy: 'Use a pipe: quorate discover --inventory <(ansible-vault view FILE) ...',
    })
  if (text.startsWith('#!'))
    throw new QuorateError('USAGE', 'the inventory is a program, and Quorate does not run it', {
      where: path,
      remedy: 'Use its output: ansible-inventory -i FILE --list --yaml > inventory.yaml',
    })
  return isYaml(text, path) ? readYamlInventory(text, path) : readIniInventory(text, path)
}

function isYaml(text: string, path: string): boolean {
  if (/\.(ya?ml|json)$/.test(path)) return true
  if (/\.(ini|cfg)$/.test(path)) return false
  const line = text.split('\n').find((one) => !/^\s*([#;].*)?$/.test(one)) ?? ''
  return /^(---|\{|[\w.-]+:\s*(#.*)?$)/.test(line)
}

/** The machines of an inventory; `asked` are groups for a role from the command line. USAGE where it has none of the groups. */
export function machinesOf(
  inventory: Inventory,
  {
    path,
    asked,
  }: { readonly path: string; readonly asked: readonly { readonly role: Role; readonly group: string }[] },
): InventorySight {
  const missing = asked.find(({ group }) => !inventory.has(group))
  if (missing !== undefined) throw noGroup(inventory, path, `the inventory has no group ${missing.group}`)
  const groupsOf = (role: Role): readonly string[] => {
    const named = asked.filter((one) => one.role === role).map(({ group }) => group)
    return (named.length > 0 ? named : usualGroups[role]).filter((group) => inventory.has(group))
  }
  const [first, second] = [groupsOf('control-plane'), groupsOf('worker')]
  if (first.length + second.length === 0)
    throw noGroup(
      inventory,
      path,
      'the inventory has none of the groups kube_control_plane, masters, kube_node, workers',
    )
  const controlPlanes = inGroups(inventory, first, path)
  // kubespray puts control planes that run workloads into both.
  const hosts = new Set(first.flatMap((group) => [...inventory.hostsIn(group)]))
  return { controlPlanes, workers: inGroups(inventory, second, path, hosts) }
}

function noGroup({ groupNames }: Inventory, where: string, why: string): QuorateError {
  const names = groupNames.slice(0, 10).map(inComment).join(', ')
  return new QuorateError('USAGE', `${why}; its groups are: ${names === '' ? 'none' : names}`, {
    where,
    remedy: 'Name groups with --group control-plane=GROUP and --group worker=GROUP.',
  })
}

function inGroups(
  inventory: Inventory,
  names: readonly string[],
  path: string,
  without: ReadonlySet<string> = new Set(),
): readonly Machine[] {
  const seen = new Set(without)
  return names.flatMap((group) =>
    [...inventory.hostsIn(group)].flatMap((host) => {
      if (seen.has(host)) return []
      seen.add(host)
      return [
        machine(
          host,
          inventory.varsOf(host),
          `host ${inComment(host)} of group ${inComment(group)} in ${inComment(path)}`,
        ),
      ]
    }),
  )
}

/** `ip` is kubespray's variable for the address in the cluster; `ansible_host` is where ssh goes, and so the agent is there too. */
function machine(host: string, vars: ReturnType<Inventory['varsOf']>, from: string): Machine {
  const ssh = vars.ansible_host ?? vars.ansible_ssh_host
  const address = [vars.ip, ssh, host].find((text) => text !== undefined && isIP(text) !== 0)
  const name = host.toLowerCase()
  const isElsewhere = ssh !== undefined && ssh !== address && (isIP(ssh) !== 0 || isDnsName(ssh))
  return { name: isDnsName(name) ? name : undefined, address, ...(isElsewhere ? { agent: ssh } : {}), from }
}
