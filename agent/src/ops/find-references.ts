import { QuorateError } from '@quorate/shared/errors'
import type { Reference } from '@quorate/shared/gen/quorate/v1/facts'
import type { FindReferencesRequest, FindReferencesResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { Host } from '../host/host.js'
import { readKubelet } from '../host/kubelet-places.js'
import { readFolders } from '../host/node-folders.js'
import { userKubeconfigs } from './backup/select-files.js'
import { matchingLines, wholeWords } from './cluster/matching-lines.js'
import { readOperation } from './context/operation.js'
import { isScanned, kubeconfigPaths, kubeconfigsWith, scannedFolders } from './context/paths.js'

/** Configuration files are small; larger files are data, of which a node has many. */
const mostBytes = 256 * 1024
const mostFiles = 2_000
const mostReferences = 500

/** Lines of this node's configuration files that contain one of the strings as a whole word. */
export const findReferences = readOperation<FindReferencesRequest, FindReferencesResponse>(
  async ({ find }, { host }, signal) => {
    const wanted = find.filter((text) => text !== '')
    if (wanted.length === 0) return { references: [], skipped: [] }
    const pattern = wholeWords(wanted)
    const paths = await scannedPaths(host)
    const references: Reference[] = []
    const skipped = paths.length > mostFiles ? [`${paths.length - mostFiles} files`] : []
    // One after the other: a folder of units is no reason for a thousand open files.
    for (const path of paths.slice(0, mostFiles)) {
      signal.throwIfAborted()
      const text = await readText(host, path)
      if (text === undefined) skipped.push(path)
      else
        references.push(
          ...matchingLines(text, pattern).map(({ number, line }) => ({ where: `${path} line ${number}`, line })),
        )
      if (references.length > mostReferences)
        return { references: references.slice(0, mostReferences), skipped: [...skipped, 'the rest'] }
    }
    return { references, skipped }
  },
)

async function scannedPaths(host: Host): Promise<string[]> {
  const [users, folders, kubelet] = await Promise.all([
    userKubeconfigs(host).catch(() => []),
    readFolders(host),
    readKubelet(host),
  ])
  const found = await Promise.all(
    scannedFolders(folders).map(async (place) =>
      (await filesOf(host, place.folder, place.depth)).filter((path) => isScanned(path, place, folders)),
    ),
  )
  const all = [...new Set([...Object.values(kubeconfigsWith(kubelet)), ...found.flat(), ...users])]
  // A manifest that the kubelet does not read is no user of the old address.
  return all.filter((path) => path !== kubeconfigPaths.kubelet || path === kubelet.kubeconfig)
}

/** Regular files; links among units only enable them. */
async function filesOf(host: Host, folder: string, depth: number): Promise<string[]> {
  const entries = await host.list(folder).catch(() => [])
  const found = await Promise.all(
    entries.map(async ({ name, kind }) => {
      if (kind === 'directory' && depth > 1) return filesOf(host, `${folder}/${name}`, depth - 1)
      return kind === 'file' ? [`${folder}/${name}`] : []
    }),
  )
  return found.flat()
}

/** Undefined if a file cannot be read or is too large; a binary file counts as empty. */
async function readText(host: Host, path: string): Promise<string | undefined> {
  try {
    const bytes = await readBounded(host, path)
    return bytes?.includes(0) ? '' : bytes?.toString('utf8')
  } catch {
    return undefined
  }
}

async function readBounded(host: Host, path: string): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (await opened(host, path)) ?? []) {
    size += chunk.length
    if (size > mostBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** `~/.kube/config` is often a link to admin.conf: it is followed, as for the facts. */
async function opened(host: Host, path: string): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array> | undefined> {
  return host.readStream(path).catch(async (error: unknown) => {
    if (!(error instanceof QuorateError) || error.code !== 'SYMLINK_REFUSED') throw error
    const file = await host.read(path, { followLinks: true })
    return file === undefined ? undefined : [file.bytes]
  })
}
