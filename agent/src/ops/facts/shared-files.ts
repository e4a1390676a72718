import type { SharedFile } from '@quorate/shared/gen/quorate/v1/facts'
import { sha256Hex } from '@quorate/shared/hash'
import type { StaticPodView } from '@quorate/shared/static-pod'
import { ownFoldersNeededBy } from '@quorate/shared/static-pod-files'
import type { Host } from '../../host/host.js'
import { readFolders } from '../../host/node-folders.js'
import { patchesFolder } from '../context/paths.js'
import { mostFileBytes, mostFiles } from '../shared-files/limits.js'
import { isShareable } from '../shared-files/shareable.js'
import { readPods } from './static-pods.js'

/** Where a path is named, and as what. */
interface Naming {
  readonly component: string
  readonly type: string
  readonly mounted: boolean
}

/**
 * Files and folders that kubeadm's static pods here mount or name and that kubeadm does not copy to a joiner, and kubeadm's patches; folders
 * with everything below them. At most `mostFiles` per folder: a larger one is no configuration, and is marked as cut.
 */
export async function readSharedFiles(host: Host): Promise<SharedFile[]> {
  const pods = await readPods(host)
  const named = new Map(pods.flatMap(({ pod, files }) => files.map((path) => [path, namingOf(pod, path)] as const)))
  if ((await host.list(patchesFolder).catch(() => [])).length > 0)
    named.set(patchesFolder, { component: 'kubeadm', type: '', mounted: false })
  const own = pods.flatMap(({ pod }) =>
    ownFoldersNeededBy(pod).map(({ path, type }) => nothing(path, { component: pod.component, type, mounted: true })),
  )
  const seen = await Promise.all([
    ...[...named].map(([path, naming]) => expand(host, path, naming)),
    ...own.map(async (one) => [{ ...one, kind: (await look(host, one.path))?.kind ?? '', directory: true }]),
  ])
  const byPath = new Map<string, SharedFile>()
  // A path that is named itself takes precedence over the same path below a named folder.
  for (const file of seen.flat()) if (named.has(file.path) || !byPath.has(file.path)) byPath.set(file.path, file)
  for (const [path, naming] of named) Object.assign(byPath.get(path) ?? {}, naming)
  const folders = await readFolders(host)
  return [...byPath.values()]
    .map((file) => ({ ...file, shareable: isShareable(file.path, folders) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

function namingOf(pod: StaticPodView, path: string): Naming {
  const mount = pod.hostPaths.find((one) => one.path === path)
  return { component: pod.component, type: mount?.type ?? '', mounted: mount !== undefined }
}

/** `left`: how many entries may still be listed below one named path. */
async function expand(host: Host, path: string, naming: Naming, left = { entries: mostFiles }): Promise<SharedFile[]> {
  const seen = await look(host, path)
  if (seen?.kind !== 'directory') return [await describe(host, nothing(path, naming), seen)]
  const below = await host.list(path).catch(() => [])
  left.entries -= below.length
  const folder = { ...nothing(path, naming), kind: seen.kind, directory: true }
  if (left.entries < 0) return [{ ...folder, cut: true }]
  const inside: SharedFile[] = []
  for (const entry of below) {
    const own = `${path}/${entry.name}`
    // A link to a folder may form a cycle.
    if (entry.kind === 'symlink' && (await look(host, own))?.kind === 'directory') continue
    inside.push(...(await expand(host, own, { ...naming, type: '', mounted: false }, left)))
  }
  return inside.some(({ cut }) => cut) ? [{ ...folder, cut: true }] : [folder, ...inside]
}

const look = (host: Host, path: string) => host.look(path).catch(() => undefined)

const nothing = (path: string, naming: Naming): SharedFile => ({
  ...{ ...naming, path, kind: '', sha256: '', bytes: 0, mode: 0, uid: 0, gid: 0, directory: false, cut: false },
  shareable: false,
})

/** A file without a hash is not copied: a check says why. */
async function describe(host: Host, named: SharedFile, seen: Awaited<ReturnType<typeof look>>): Promise<SharedFile> {
  const found = { ...named, kind: seen?.kind ?? '', bytes: seen?.kind === 'file' ? seen.bytes : 0 }
  if (seen?.kind !== 'file' || seen.bytes > mostFileBytes) return found
  const file = await host.read(named.path, { followLinks: true }).catch(() => undefined)
  if (file === undefined) return found
  const { bytes, mode, uid, gid } = file
  return { ...found, sha256: sha256Hex(bytes), mode, uid, gid }
}
