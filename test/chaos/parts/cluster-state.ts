import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readCertificates } from '@quorate/shared/pki'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'

/** A cluster in words that are equal for two conversions of it: names of files and objects, and what they say. */
export type ClusterState = Readonly<Record<string, string>>

interface ApiObject {
  readonly metadata: { readonly labels?: unknown }
  readonly spec?: unknown
  readonly status?: unknown
}

/** What the agents keep for themselves, containerd's socket, etcd's own data; processes, which are others after each start. */
const ownData = /^\/(var\/lib\/quorate-agent|var\/lib\/etcd|run|proc\/\d+)\//
const kinds = /^\/(configmaps|secrets|nodes)\/|^apps\/daemonsets\/|\/quorate-availability$/

/** Every file of every node and every object that a conversion could change. Keys and serial numbers are made anew by each one: of a certificate counts whom it names and who signed it. */
export async function clusterState(cluster: SimulatedCluster): Promise<ClusterState> {
  const state: Record<string, string> = {}
  for (const { name, root } of cluster.nodes) {
    for (const { path, says } of filesBelow(root)) if (!ownData.test(path)) state[`${name}:${dateless(path)}`] = says
  }
  for (const [key, object] of Object.entries(await cluster.control.ask<Record<string, ApiObject>>('dump'))) {
    if (kinds.test(key)) state[key] = JSON.stringify(contentOf(object))
  }
  const members = await cluster.control.ask<{ name: string; learner: boolean; serving: boolean }[]>('etcdMembers')
  state['etcd members'] = members
    .map((one) => `${one.name} ${one.learner} ${one.serving}`)
    .sort()
    .join(', ')
  return state
}

/** What differs, a line each; empty for equal states. */
export function stateDifferences(before: ClusterState, after: ClusterState): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return names
    .filter((name) => before[name] !== after[name])
    .map((name) => `${name}: ${shown(before[name])} is now ${shown(after[name])}`)
}

const shown = (text: string | undefined): string => (text === undefined ? 'absent' : text.slice(0, 1500))

function* filesBelow(root: string, folder = '/'): Generator<{ path: string; says: string }> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(root, path)
    else if (entry.isSymbolicLink()) yield { path, says: `-> ${dateless(readlinkSync(join(root, path)))}` }
    else if (entry.isFile()) {
      const mode = (statSync(join(root, path)).mode & 0o777).toString(8)
      yield { path, says: `${mode} ${sameForAll(readFileSync(join(root, path), 'utf8'))}` }
    }
  }
}

/** A kubelet dates its certificate's file. */
const dateless = (path: string): string => path.replace(/\d{4}-\d{2}-\d{2}-\d{2}-\d{2}-\d{2}/, 'DATE')

function sameForAll(text: string): string {
  return (
    text
      .replaceAll(/^-----BEGIN CERTIFICATE-----\n[\s\S]+?^-----END CERTIFICATE-----$/gm, namedIn)
      .replaceAll(/^-----BEGIN ([A-Z ]*PRIVATE KEY)-----\n[\s\S]+?^-----END \1-----$/gm, 'a private key')
      .replaceAll(/client-(certificate|key)-data: \S+/g, 'client-$1-data: made anew')
      // Who was a member when this one came: the order of the joins.
      .replaceAll(/--initial-cluster=\S+/g, '--initial-cluster=those before it')
  )
}

function namedIn(pem: string): string {
  const [certificate] = readCertificates(pem)
  return `certificate of ${certificate?.subject} by ${certificate?.issuer} for ${[...(certificate?.sans ?? [])].sort().join(' ')}`
}

/** Of an object what it says; a rollout marks its template with the time, and a Node tells when it was last seen. */
function contentOf({ metadata, status: _, ...content }: ApiObject): unknown {
  const text = JSON.stringify({ ...content, labels: metadata.labels })
  return JSON.parse(text.replaceAll(/,?"annotations":{"kubectl\.kubernetes\.io\/restartedAt":"[^"]*"}/g, ''))
}
