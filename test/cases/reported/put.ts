import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'

type Put = (cluster: SimulatedCluster) => Promise<() => Promise<unknown>>

/** Changes a file of a node; a file that is not there is made from the empty text, and removed again with the folders that it brought. */
export const inFile =
  (node: string, path: string, change: (text: string) => string): Put =>
  async (cluster) => {
    const { name, root } = cluster.node(node)
    const before = existsSync(root + path) ? readFileSync(root + path, 'utf8') : undefined
    let made = path
    while (!existsSync(root + dirname(made))) made = dirname(made)
    await cluster.control.ask('writeFile', { node: name, path, text: change(before ?? '') })
    return async () => {
      if (before !== undefined) return cluster.control.ask('writeFile', { node: name, path, text: before })
      await cluster.control.ask('removeFile', { node: name, path })
      return rmSync(root + made, { recursive: true, force: true })
    }
  }

/** Changes keys of a ConfigMap's data; null removes one. */
export const inConfigMap =
  (namespace: string, name: string, data: (before: Record<string, string>) => Record<string, string | null>): Put =>
  async ({ control }) => {
    const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`
    const merge = (body: unknown) =>
      control.ask('kube', { method: 'PATCH', path, body, contentType: 'application/merge-patch+json' })
    const { body } = await control.ask<{ body: { data: Record<string, string> } }>('kube', { method: 'GET', path })
    const changed = data(body.data)
    await merge({ data: changed })
    return () => merge({ data: Object.fromEntries(Object.keys(changed).map((key) => [key, body.data[key] ?? null])) })
  }

/** Changes the ClusterConfiguration of kubeadm-config. */
export const inClusterConfiguration = (change: (text: string) => string): Put =>
  inConfigMap('kube-system', 'kubeadm-config', (before) => ({
    ClusterConfiguration: change(before['ClusterConfiguration'] ?? ''),
  }))

/** Several at once; taken out in reverse order. */
export const together =
  (...all: readonly Put[]): Put =>
  async (cluster) => {
    const out: (() => Promise<unknown>)[] = []
    const takeOut = async () => {
      for (const take of out) await take()
    }
    try {
      for (const put of all) out.unshift(await put(cluster))
    } catch (error) {
      await takeOut()
      throw error
    }
    return takeOut
  }
