import { sha256Hex } from '@quorate/shared/hash'
import type { Host, TreeEntry } from '../../host/host.js'
import { readFolders } from '../../host/node-folders.js'
import { cniFolder, kubeletFolder, kubernetesFolder } from '../context/paths.js'
import type { JoinMarker } from './join-marker.js'

/** Folders that kubeadm's join, the kubelet and the cluster network fill, and that a reset empties further than they filled them. */
async function joinFolders(host: Host): Promise<readonly string[]> {
  const { certificatesDir, etcdDataDir } = await readFolders(host)
  const inside = certificatesDir.startsWith(`${kubernetesFolder}/`) ? [] : [certificatesDir]
  return [kubernetesFolder, ...inside, etcdDataDir, kubeletFolder, cniFolder]
}
/** Configuration files are small; of larger files only the hash is kept, and a reset can only report that they are gone. */
const mostBytesKept = 1024 * 1024

interface Place {
  readonly host: Host
  readonly stateFolder: string
}

const keptFolder = (stateFolder: string): string => `${stateFolder}/before-join`
const keptPath = (stateFolder: string, { contents }: TreeEntry): string => `${keptFolder(stateFolder)}/${contents}`

/**
 * The folders that belong to the join on this node. etcd data from before the join belongs to another etcd: kubeadm joins with its own etcd
 * only if there is none, and a member of an external etcd may run on this machine. Its data must not be restored.
 */
export async function foldersOfJoin(host: Host): Promise<readonly string[]> {
  const { etcdDataDir } = await readFolders(host)
  const [all, data] = await Promise.all([joinFolders(host), host.list(etcdDataDir).catch(() => [])])
  return data.some(({ name }) => name === 'member') ? all.filter((one) => one !== etcdDataDir) : all
}

/** Everything below these folders, by path. */
export async function readJoinFolders(host: Host, folders?: readonly string[]): Promise<TreeEntry[]> {
  const trees: (readonly TreeEntry[])[] = []
  for (const folder of folders ?? (await joinFolders(host))) trees.push(await host.tree(folder))
  return trees.flat()
}

/** One hash over paths, kinds, modes, owners and contents: equal if a node is byte for byte what it was. */
export const fingerprint = (entries: readonly TreeEntry[]): string =>
  sha256Hex(entries.map((entry) => `${JSON.stringify(inOrder(entry))}\n`).join(''))

const inOrder = ({ path, kind, mode, uid, gid, size, contents }: TreeEntry) => [
  path,
  kind,
  mode,
  uid,
  gid,
  size,
  contents,
]

/** Stores the current state, with copies of its files, for a reset to restore. For root only: it may contain keys. */
export async function keepBeforeJoin({ host, stateFolder }: Place, folders: readonly string[]): Promise<TreeEntry[]> {
  const entries = await readJoinFolders(host, folders)
  for (const entry of entries) {
    if (entry.kind !== 'file' || entry.size > mostBytesKept) continue
    const file = await host.read(entry.path)
    if (file !== undefined) await host.replace(keptPath(stateFolder, entry), file.bytes, { mode: 0o600 })
  }
  return entries
}

export async function forgetBeforeJoin({ host, stateFolder }: Place): Promise<void> {
  await host.remove(keptFolder(stateFolder), { recursive: true })
}

export interface PutBack {
  readonly removed: string[]
  readonly restored: string[]
  /** What could not be restored. */
  readonly missing: string[]
}

/** Removes everything that was not there before, then restores what is missing or changed. */
export async function putBackBeforeJoin(
  place: Place,
  { before, folders }: Pick<JoinMarker, 'before' | 'folders'>,
): Promise<PutBack> {
  const { host } = place
  const known = new Map(before.map((entry) => [entry.path, entry]))
  const removed: string[] = []
  for (const { path, kind } of await readJoinFolders(host, folders)) {
    if (known.get(path)?.kind === kind || removed.some((folder) => path.startsWith(`${folder}/`))) continue
    await host.remove(path, { recursive: true })
    removed.push(path)
  }
  const now = new Map((await readJoinFolders(host, folders)).map((entry) => [entry.path, entry]))
  const [restored, missing]: [string[], string[]] = [[], []]
  // By path: a folder comes before its contents.
  for (const entry of before) {
    const present = now.get(entry.path)
    if (present !== undefined && JSON.stringify(inOrder(present)) === JSON.stringify(inOrder(entry))) continue
    const list = (await restore(place, entry, present !== undefined)) ? restored : missing
    list.push(entry.path)
  }
  return { removed, restored, missing }
}

async function restore({ host, stateFolder }: Place, entry: TreeEntry, present: boolean): Promise<boolean> {
  const { path, mode, uid, gid } = entry
  switch (entry.kind) {
    case 'directory':
      await host.makeFolder(path, { mode, uid, gid })
      return true
    case 'symlink':
      if (present) await host.remove(path)
      await host.makeLink(path, entry.contents, { uid, gid })
      return true
    case 'file': {
      const kept = await host.read(keptPath(stateFolder, entry))
      if (kept === undefined || sha256Hex(kept.bytes) !== entry.contents) return false
      await host.replace(path, kept.bytes, { mode, uid, gid, exact: true })
      return true
    }
    default:
      // A socket or a pipe belongs to the program that listens there, which makes it again at its start.
      return false
  }
}
