import type { Lab } from '../../lab/real/lab.js'
import type { LabNode } from '../../lab/real/machines/node.js'

/** What a conversion may touch, by name: `cp1:/etc/hosts` to its mode, owner and sha256, `configmaps/kube-system/kube-proxy` to its data. */
export type LabState = ReadonlyMap<string, string>

const folders =
  '/etc/kubernetes /etc/hosts /etc/haproxy /etc/keepalived /etc/quorate-haproxy /etc/quorate-keepalived /etc/systemd/system /etc/cni /var/lib/kubelet /var/lib/etcd'
// What a kubelet that runs writes by itself (each of its state files beside it first, as `.NUMBER`: pkg/kubelet/util/store/filestore.go), and etcd's data.
const living =
  '/var/lib/kubelet/(\\.[0-9]+|pods|plugins|plugins_registry|device-plugins|checkpoints|pod-resources|actuated_pods_state|allocated_pods_state|cpu_manager_state|memory_manager_state|dra_manager_state)|/var/lib/etcd/'

/** Every file with mode, owner and sha256, every folder with mode and owner; services as they are enabled. */
async function filesOf(node: LabNode): Promise<[string, string][]> {
  const script = `
    find ${folders} -type f -exec stat -c '%n %a %u:%g' {} + -exec sha256sum {} + 2>/dev/null
    find ${folders} -type l -printf '%p -> %l\n' 2>/dev/null
    find ${folders} -type d -printf '%p/ %m %U:%G\n' 2>/dev/null
    for unit in haproxy keepalived quorate-haproxy quorate-keepalived kubelet; do echo "unit:$unit $(systemctl is-enabled $unit) $(systemctl is-active $unit | sed s/activating/active/)"; done; true`
  const seen = new Map<string, string[]>()
  for (const line of (await node.must(['sh', '-c', script])).trim().split('\n')) {
    // sha256sum prints the name last, the others first.
    const [, hash, hashed] = /^([0-9a-f]{64}) {2}(.*)$/.exec(line) ?? []
    const [name, value] = hashed === undefined ? splitOnce(line) : [hashed, hash ?? '']
    if (!new RegExp(`^(${living})`).test(name)) seen.set(name, [...(seen.get(name) ?? []), value])
  }
  return [...seen].map(([name, values]) => [`${node.spec.short}:${name}`, values.sort().join(' ')])
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf(' ')
  return [line.slice(0, at), line.slice(at + 1)]
}

interface ApiObject {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly data?: unknown
  readonly spec?: unknown
  readonly rules?: unknown
  readonly subjects?: unknown
}

/** Data of ConfigMaps, specs of what runs, rules and who has them, names of Nodes and Secrets. Not what stays by decision (docs/decisions/0006): certificate requests of the joins, CoreDNS's restart mark. */
async function objectsOf(lab: Lab): Promise<[string, string][]> {
  const kinds = 'configmaps,daemonsets,deployments,roles,rolebindings,clusterroles,clusterrolebindings,nodes,secrets'
  const { items } = JSON.parse(await lab.node('cp1').must(['kubectl', 'get', kinds, '-A', '-o', 'json'])) as {
    items: ApiObject[]
  }
  return (
    items
      // The probes' own.
      .filter(({ metadata }) => metadata.namespace !== 'default')
      .map(({ kind, metadata, data, spec, rules, subjects }) => {
        const all = JSON.stringify({ data, spec, rules, subjects })
        const marked = /"annotations":\{"kubectl.kubernetes.io\/restartedAt":"[^"]*"\},?/
        const text = kind === 'Secret' || kind === 'Node' ? '' : kind === 'Deployment' ? all.replace(marked, '') : all
        return [`${kind}/${metadata.namespace ?? ''}/${metadata.name}`, text]
      })
  )
}

/** The lab as it is now. */
export async function stateOf(lab: Lab): Promise<LabState> {
  const parts = await Promise.all([...lab.nodes.map(filesOf), objectsOf(lab)])
  return new Map(parts.flat())
}

export interface Member {
  readonly name: string
  readonly isLearner?: boolean
  readonly peerURLs: readonly string[]
}

/** etcd's members by the word of one control plane; none when its etcd does not answer. */
export async function etcdMembers(node: LabNode): Promise<readonly Member[]> {
  const pki = '/etc/kubernetes/pki/etcd'
  const list = `etcdctl --endpoints=https://${node.address}:2379 --cacert=${pki}/ca.crt --cert=${pki}/healthcheck-client.crt --key=${pki}/healthcheck-client.key -w json member list`
  const { exitCode, stdout } = await node.sh(['sh', '-c', list])
  return exitCode === 0 ? JSON.parse(stdout).members : []
}

/** One line for each thing that was made, is missing or is other than before. */
export function differences(before: LabState, after: LabState): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort()
  return names.flatMap((name) => {
    const [old, now] = [before.get(name), after.get(name)]
    if (old === now) return []
    if (old === undefined) return [`made: ${name}`]
    return [now === undefined ? `missing: ${name}` : `changed: ${name}: ${old} -> ${now}`]
  })
}
