import { QuorateError } from '@quorate/shared/errors'
import type { PlaceSharedFilesRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { sha256Hex } from '@quorate/shared/hash'
import { plural } from '@quorate/shared/plural'
import type { Host } from '../host/host.js'
import { readFolders } from '../host/node-folders.js'
import { type ArchivedFile, readArchive } from './backup/archive.js'
import { backupPlace, keepFiles } from './backup/store.js'
import { changeOperation } from './context/operation.js'
import { changed, unchanged } from './context/result.js'
import { sealedToAnotherProcess } from './sealed-evidence.js'
import { isShareable, sharedMode } from './shared-files/shareable.js'

/**
 * Opens files that were sealed to this process and writes the missing ones, owned by root and with a mode that runs nothing. All are checked
 * before the first is written: each in an agreed folder, none present with other content.
 */
export const placeSharedFiles = changeOperation<PlaceSharedFilesRequest>(
  async ({ files }, context) => {
    const { host, sealing } = context.tools
    const { runId } = context.header
    if (files === undefined) throw new QuorateError('INVALID_REQUEST', 'no sealed files came with the request')
    const archived = readArchive(Buffer.from(await sealing.open(files.ciphertext, { purpose: 'shared-files', runId })))
    const wanted = archived.map((file) => ({ ...file, path: `/${file.path}` }))
    const missing = []
    for (const file of wanted) if (await isMissing(host, file)) missing.push(file)
    const count = plural(wanted.length, 'shared file')
    if (missing.length === 0) return unchanged(`already on this node: ${count}`)
    await keepFiles(
      backupPlace(context),
      missing.map(({ path }) => path),
    )
    context.signal.throwIfAborted()
    for (const { path, bytes, mode } of missing) {
      await host.replace(path, bytes, { mode: sharedMode(mode) })
      context.progress(`placed ${path}`)
    }
    return changed({
      summary: `placed ${missing.length} of ${count}`,
      touched: missing.map(({ path, bytes }) => ({ name: path, sha256Before: '', sha256After: sha256Hex(bytes) })),
    })
  },
  { evidence: sealedToAnotherProcess },
)

async function isMissing(host: Host, { path, bytes }: ArchivedFile): Promise<boolean> {
  if (!isShareable(path, await readFolders(host)))
    throw new QuorateError('NOT_IN_TABLE', `${path} is not a place for shared files`, { where: path })
  // Compared as in the plan: the same content behind a link counts as present.
  const present = await host.read(path, { followLinks: true })
  if (present === undefined) return true
  if (present.bytes.equals(bytes)) return false
  throw new QuorateError(
    'DRIFT',
    `${path} is already on this node, with other contents than on the first control plane`,
    {
      where: path,
      remedy: `Compare both files. If this node's is a leftover, remove ${path} here and run it again.`,
    },
  )
}
