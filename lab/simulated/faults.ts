import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { writePrograms } from './machine-files.js'
import type { NodeFaults } from './node.js'
import { machineOf, type Site } from './site.js'
import { keyOf } from './store.js'
import { tellAgent } from './tell-agent.js'

/** Faults that the control socket can inject, by name. */
export type FaultName = keyof ReturnType<typeof faultsOf>

/** Faults by name. Those that concern agents (cuts, a full disk, a wrong clock) are left in files that their preload reads. */
export function faultsOf(site: Site, folder: string) {
  const tellAgents = (): void => {
    for (const node of site.nodes.values()) {
      tellAgent(join(folder, 'faults'), node.name, 'unreachable', site.network.unreachableFrom(node))
    }
  }
  return {
    /** Power cut. The caller ends the agent's process. */
    async killNode({ node }: { node: string }): Promise<void> {
      await machineOf(site, node).cutPower()
      await site.virtualAddresses.settle()
      tellAgents()
    },
    async bootNode({ node }: { node: string }): Promise<void> {
      await machineOf(site, node).boot()
      tellAgents()
    },
    async cutNetwork({ a, b, cut }: { a: string; b: string; cut: boolean }): Promise<void> {
      site.network.cut(a, b, cut)
      tellAgents()
    },
    async setFaults({ node, faults }: { node: string; faults: NodeFaults }): Promise<void> {
      const { node: itself } = machineOf(site, node)
      Object.assign(itself.faults, faults)
      if (faults.programVersion !== undefined) writePrograms(itself, faults.programVersion)
    },
    /** Files that the agent of that node replaces below this path fail with ENOSPC; '' ends it. */
    async fillDisk({ node, below }: { node: string; below: string }): Promise<void> {
      const { node: itself } = machineOf(site, node)
      tellAgent(join(folder, 'faults'), node, 'full', below === '' ? [] : [itself.real(below)])
    },
    /** systemctl of a node, as root. */
    async systemctl({ node, args }: { node: string; args: readonly string[] }): Promise<void> {
      await machineOf(site, node).units.control(args)
    },
    /** Removes the images of a node, as if they were never pulled. */
    async removeImages({ node }: { node: string }): Promise<void> {
      machineOf(site, node).runtime.images.clear()
    },
    async writeFile({
      node,
      path,
      text,
      mode,
    }: {
      node: string
      path: string
      text: string
      mode?: number
    }): Promise<void> {
      machineOf(site, node).node.write(path, text, mode ?? 0o600)
    },
    async removeFile({ node, path }: { node: string; path: string }): Promise<void> {
      machineOf(site, node).node.remove(path)
    },
    /** controlPlaneEndpoint was set long ago. */
    async setEndpoint({ endpoint }: { endpoint: string }): Promise<void> {
      const key = keyOf('configmaps', 'kube-system', 'kubeadm-config')
      const map = site.store.get(key)
      const configuration = parse(map?.data?.['ClusterConfiguration'] ?? '') as Record<string, unknown>
      if (endpoint === '') delete configuration['controlPlaneEndpoint']
      else configuration['controlPlaneEndpoint'] = endpoint
      if (map !== undefined)
        site.store.update(key, { ...map, data: { ...map.data, ClusterConfiguration: stringify(configuration) } })
    },
    async setDns({ name, address }: { name: string; address: string }): Promise<void> {
      if (address === '') site.network.dns.delete(name)
      else site.network.dns.set(name, address)
    },
    async addNode({
      name,
      ready,
      labels = {},
    }: {
      name: string
      ready: boolean
      labels?: Record<string, string>
    }): Promise<void> {
      const status = {
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
        addresses: [{ type: 'InternalIP', address: '192.0.2.9' }],
      }
      site.store.create(keyOf('nodes', '', name), { metadata: { name, labels }, spec: {}, status })
    },
    /** A machine of an external etcd loses its power, or gets it back. */
    async powerEtcdMachine({ name, alive }: { name: string; alive: boolean }): Promise<void> {
      for (const node of site.etcdMachines) if (node.name === name) node.alive = alive
      tellAgents()
    },
    async addEtcdMember({ peerUrl }: { peerUrl: string }): Promise<void> {
      site.etcd.add(peerUrl, true)
    },
    /** Of the only member. */
    async updateEtcdMember({ peerUrl }: { peerUrl: string }): Promise<void> {
      for (const { id } of site.etcd.members) site.etcd.update(id, peerUrl)
    },
    /** Enables etcd's authentication, with these users as its roots; disables it without any. */
    async etcdRoots({ names }: { names: string[] | null }): Promise<void> {
      site.etcd.roots = names === null ? undefined : new Set(names)
    },
    async removeEtcdLearners(): Promise<void> {
      for (const { id } of site.etcd.members.filter(({ learner }) => learner)) site.etcd.remove(id)
    },
  }
}
