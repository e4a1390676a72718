import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { ProgramRun, SimulatedCluster } from '../../lab/simulated/cluster.js'
import { type ProbeResult, Probing } from '../../lab/simulated/probing.js'
import { ended } from './simulated-cluster.js'

/** Converts, or goes on with a run, while clients ask 20 times a second, at the first control plane and, once it answers, through the endpoint. */
export async function convertUnderProbes(
  cluster: SimulatedCluster,
  endpointAt: { readonly address: string; readonly port: number } = { address: cluster.world.virtualIp, port: 8443 },
  command: readonly string[] = ['convert', '-f', cluster.clusterFile, '--yes'],
): Promise<{ run: ProgramRun; probes: ProbeResult[] }> {
  const probing = new Probing()
  probing.at('direct', cluster.node('cp1').address, cluster.world.apiPort)
  const endpoint = probing.whenUp('endpoint', endpointAt.address, endpointAt.port)
  const run = await cluster.quorate([...command])
  const probes = await probing.stop()
  await endpoint
  return { run, probes }
}

/** Exit 0, and not one of the probes failed. */
export function nothingFailed(t: Test, { run, probes }: { run: ProgramRun; probes: readonly ProbeResult[] }): void {
  ended(t, run)
  t.equal(probes.length, 2)
  for (const probe of probes) {
    t.comment(JSON.stringify(probe))
    t.ok(probe.count > 20, `${probe.name} was probed`)
    t.same(probe.errors, {}, `no failed request at ${probe.name}`)
  }
}

/** Server of a kubeconfig of a node. */
export function serverIn(cluster: SimulatedCluster, node: string, path: string): string {
  return /^ *server: (.*)$/m.exec(readFileSync(cluster.node(node).root + path, 'utf8'))?.[1] ?? ''
}

/** Members of etcd as etcd has them. */
export function members(cluster: SimulatedCluster): Promise<{ name: string; learner: boolean; serving: boolean }[]> {
  return cluster.control.ask('etcdMembers')
}
