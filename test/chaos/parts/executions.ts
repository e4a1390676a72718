import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'

interface Executions {
  readonly units: Readonly<Record<string, readonly { readonly unit: string; readonly command: string }[]>>
  readonly etcd: readonly { readonly what: 'add' | 'promote' | 'remove'; readonly peerUrl: string }[]
}

/**
 * What was done more than once, a line each, from what nobody's memory can hide: the transient units that each node's systemd started,
 * the changes of etcd's members, and the line that an agent's log has for each operation that it begins.
 */
export async function doubleExecutions(cluster: SimulatedCluster): Promise<string[]> {
  const { units, etcd } = await cluster.control.ask<Executions>('executions')
  return [
    ...cluster.nodes.flatMap(({ name }) =>
      twice(beganOn(cluster, name)).map((id) => `${name} began operation ${id} twice`),
    ),
    ...Object.entries(units).flatMap(([node, started]) => [
      ...twice(started.map(({ unit }) => unit)).map((unit) => `${node} started ${unit} twice`),
      ...joinedTwice(started.map(({ command }) => command)).map((what) => `${node}: ${what}`),
    ]),
    ...memberTwice(etcd),
  ]
}

function beganOn(cluster: SimulatedCluster, name: string): string[] {
  const lines = cluster.agentLog(name).matchAll(/"event":"operation began","operation":"([0-9a-f]+)"/g)
  return [...lines].map(([, id = '']) => id)
}

const twice = (names: readonly string[]): string[] => [
  ...new Set(names.filter((name, at) => names.indexOf(name) !== at)),
]

/** A second `kubeadm join` is right only on a node that was cleaned in between. */
function joinedTwice(commands: readonly string[]): string[] {
  const found: string[] = []
  let joined = false
  for (const command of commands) {
    if (/^kubeadm join --config/.test(command)) {
      if (joined) found.push('kubeadm join again, without a reset after the first')
      joined = true
    }
    if (/^kubeadm reset/.test(command)) joined = false
  }
  return found
}

function memberTwice(changes: Executions['etcd']): string[] {
  const present = new Map<string, 'add' | 'promote'>()
  const found: string[] = []
  for (const { what, peerUrl } of changes) {
    if (what === 'add' && present.has(peerUrl)) found.push(`etcd: ${peerUrl} was added twice`)
    if (what === 'promote' && present.get(peerUrl) === 'promote') found.push(`etcd: ${peerUrl} was promoted twice`)
    if (what === 'remove') present.delete(peerUrl)
    else present.set(peerUrl, what)
  }
  return found
}
