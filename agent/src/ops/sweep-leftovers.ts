import { loadBalancerPaths } from '@quorate/shared/load-balancer-place'
import { isTemporary } from '../host/durable-file.js'
import type { Host } from '../host/host.js'
import { readFolders } from '../host/node-folders.js'
import { hostsPath, kubernetesFolder, runtimeFolder } from './context/paths.js'

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'

/** Folders in which this agent replaces files, and that contain only its own below them. */
const flat = [...new Set([hostsPath, ...loadBalancerPaths].map(parentOf))]

/**
 * Removes what an interrupted earlier agent left: temporary files that never replaced their target, and the folders in tmpfs
 * of operations that are no longer followed. They may contain keys and tokens. Returns what was removed.
 */
export async function sweepLeftovers(
  host: Host,
  { stateFolder, followed }: { readonly stateFolder: string; readonly followed: readonly string[] },
): Promise<readonly string[]> {
  const removed: string[] = []
  const sweep = async (folder: string, deep: boolean): Promise<void> => {
    for (const { name, kind } of await host.list(folder).catch(() => [])) {
      const path = `${folder === '/' ? '' : folder}/${name}`
      if (kind === 'file' && isTemporary(name)) {
        await host.remove(path)
        removed.push(path)
      } else if (kind === 'directory' && deep) await sweep(path, deep)
    }
  }
  for (const folder of flat) await sweep(folder, false)
  const certificates = await readFolders(host).then(
    ({ certificatesDir }) => [certificatesDir],
    () => [],
  )
  for (const folder of [kubernetesFolder, ...certificates, stateFolder, runtimeFolder]) await sweep(folder, true)
  // A user who exchanges folders meanwhile keeps what lies in theirs.
  for (const home of await homes(host)) await sweep(`${home}/.kube`, false).catch(() => {})
  const kept = new Set(followed)
  for (const { name, kind } of await host.list(runtimeFolder)) {
    if (kind !== 'directory' || kept.has(name)) continue
    await host.remove(`${runtimeFolder}/${name}`, { recursive: true })
    removed.push(`${runtimeFolder}/${name}`)
  }
  return removed
}

/** Homes of users, and root's. */
async function homes(host: Host): Promise<string[]> {
  const listed = await host.list('/home')
  return ['/root', ...listed.flatMap(({ name, kind }) => (kind === 'directory' ? [`/home/${name}`] : []))]
}
