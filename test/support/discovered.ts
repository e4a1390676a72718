import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pointKubeconfigAt } from '@quorate/shared/kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import type { Test } from 'tap'
import { parse, stringify } from 'yaml'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { httpsUrl } from '../../lab/simulated/host-port.js'
import { ended } from './simulated-cluster.js'

// biome-ignore lint/suspicious/noExplicitAny: cluster files, of which each test knows what is in it
type Json = Record<string, any>

const adminConf = '/etc/kubernetes/admin.conf'

/** A kubeconfig of the operator, outside of the cluster: the first control plane's, at its own API server. */
export function operatorKubeconfig(cluster: SimulatedCluster): string {
  const { root, address } = cluster.node('cp1')
  const manifest = readFileSync(`${root}/etc/kubernetes/manifests/kube-apiserver.yaml`, 'utf8')
  const port = Number(/--secure-port=(\d+)/.exec(manifest)?.[1])
  const path = join(cluster.operatorFolder, 'kubeconfig')
  const text = readFileSync(root + adminConf, 'utf8')
  writeFileSync(path, pointKubeconfigAt(text, httpsUrl(address, port), filePlace(adminConf)), { mode: 0o600 })
  return path
}

/** Where ssh reaches machines, if that is elsewhere than where they are in the cluster. */
function inventoryOf(cluster: SimulatedCluster): readonly string[] {
  if (cluster.nodes.every(({ address, agentAddress }) => address === agentAddress)) return []
  const path = join(cluster.operatorFolder, 'hosts.ini')
  const lines = (role: string) =>
    cluster.nodes
      .filter((node) => node.role === role)
      .map(({ name, address, agentAddress }) => `${name} ansible_host=${agentAddress} ip=${address}`)
  const text = ['[kube_control_plane]', ...lines('control-plane'), '[kube_node]', ...lines('worker'), '']
  writeFileSync(path, text.join('\n'))
  return ['--inventory', path]
}

/** The answers of a person who has this cluster file in mind. */
function answered(draft: string, meant: string): string {
  const [file, known] = [parse(draft) as Json, parse(meant) as Json]
  if (file['metadata'].name === '?') file['metadata'].name = known['metadata'].name
  if (file['endpoint'] === '?') file['endpoint'] = known['endpoint']
  const isAsked = Object.values(file['loadBalancer']).includes('?')
  // Another endpoint than the one in mind is there, and has its own load balancer.
  if (isAsked)
    file['loadBalancer'] = file['endpoint'] === known['endpoint'] ? known['loadBalancer'] : { kind: 'external' }
  const named = new Set(file['controlPlanes'].map(({ name }: Json) => name))
  const others = known['controlPlanes'].filter(({ name }: Json) => !named.has(name))
  file['controlPlanes'] = file['controlPlanes'].map((one: Json) => (one['name'] === '?' ? others.shift() : one))
  return stringify({ ...file, ...(known['policy'] === undefined ? {} : { policy: known['policy'] }) })
}

/** `quorate discover` drafts a file of which `plan` names the questions, and which it plans when they are answered: exit code 0, or as given. */
export async function isDiscovered(t: Test, cluster: SimulatedCluster, exitCode = 0): Promise<string> {
  const draft = await cluster.quorate([
    'discover',
    '--kubeconfig',
    operatorKubeconfig(cluster),
    ...inventoryOf(cluster),
  ])
  ended(t, draft)
  const path = join(cluster.operatorFolder, 'discovered.yaml')
  writeFileSync(path, draft.stdout)
  const asked = await cluster.quorate(['plan', '-f', path])
  ended(t, asked, 2)
  t.match(asked.stderr, /is not answered/)
  writeFileSync(path, answered(draft.stdout, readFileSync(cluster.clusterFile, 'utf8')))
  ended(t, await cluster.quorate(['plan', '-f', path]), exitCode)
  return draft.stdout
}
