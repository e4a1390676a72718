import type { SharedFile } from '@quorate/shared/gen/quorate/v1/facts'
import { sha256Hex } from '@quorate/shared/hash'
import type { Host } from '../../host/host.js'
import { patchesFolder } from '../paths.js'
import { mostFiles } from '../shared-files/limits.js'
import { readPods } from './static-pods.js'

/**
 * Files and folders that kubeadm's static pods here mount or name and that kubeadm does not bring to a joiner, and kubeadm's patches; folders
 * with all that is below them. At most `mostFiles`: more is no configuration.
 */
export async function readSharedFiles(host: Host): Promise<SharedFile[]> {
  const pods = await readPods(host)
  const named = new Map(pods.flatMap(({ pod, files }) => files.map((path) => [path, pod.component] as const)))
  if ((await host.list(patchesFolder).catch(() => [])).length > 0) named.set(patchesFolder, 'kubeadm')
  const seen = await Promise.all([...named].map(([path, component]) => expand(host, path, component)))
  const byPath = new Map(seen.flat().map((file) => [file.path, file]))
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1)).slice(0, mostFiles)
}

async function expand(host: Host, path: string, component: string): Promise<SharedFile[]> {
  const below = await host.list(path).catch(() => [])
  if (below.length > mostFiles) return [folder(path, component)]
  if (below.length === 0) return [await describe(host, path, component)]
  const inside = await Promise.all(
    below
      .filter(({ kind }) => kind === 'file' || kind === 'directory')
      .map(({ name }) => expand(host, `${path}/${name}`, component)),
  )
  return [folder(path, component), ...inside.flat()]
}

const folder = (path: string, component: string): SharedFile => ({
  ...{ path, component, sha256: '', mode: 0, uid: 0, gid: 0, directory: true },
})

/** An empty folder is listed as such; a file that is named and is not there has no hash: a check says so. */
async function describe(host: Host, path: string, component: string): Promise<SharedFile> {
  const file = await host.read(path, { followLinks: true }).catch(() => 'no file' as const)
  if (file === 'no file') return folder(path, component)
  if (file === undefined) return { ...folder(path, component), directory: false }
  const { bytes, mode, uid, gid } = file
  return { path, component, sha256: sha256Hex(bytes), mode, uid, gid, directory: false }
}
