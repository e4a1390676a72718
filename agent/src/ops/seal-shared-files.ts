import { QuorateError } from '@quorate/shared/errors'
import type { SharedFile } from '@quorate/shared/gen/quorate/v1/facts'
import type { SealSharedFilesRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { plural } from '@quorate/shared/plural'
import { readFolders } from '../host/node-folders.js'
import { type ArchivedFile, writeArchive } from './backup/archive.js'
import { changeOperation } from './context/operation.js'
import { changed, unchanged } from './context/result.js'
import type { Tools } from './context/tools.js'
import { readSharedFiles } from './facts/shared-files.js'
import { mostArchiveBytes, mostFileBytes } from './shared-files/limits.js'
import { isShareable } from './shared-files/shareable.js'

/**
 * Seals the files that this node's static pods need beyond kubeadm's own, as one archive for each joiner. Changes nothing here.
 * Fact `skipped`: paths that are not copied (too large, or where Quorate writes nothing); the operator must copy them.
 */
export const sealSharedFiles = changeOperation<SealSharedFilesRequest>(
  async ({ recipients }, context) => {
    const { tools, header } = context
    const about = { purpose: 'shared-files', runId: header.runId } as const
    for (const to of recipients) tools.sealing.requireProven(to)
    const named = (await readSharedFiles(tools.host)).filter(({ directory }) => !directory)
    const files = await readBytes(tools, named)
    const brought = new Set(files.map(({ path }) => `/${path}`))
    const skipped = named.map(({ path }) => path).filter((path) => !brought.has(path))
    for (const path of skipped) context.progress(`${path} is not copied automatically: copy it to the joiners by hand`)
    const facts = { files: String(files.length), skipped: skipped.join(' ') }
    if (files.length === 0) return unchanged('the static pods need no files beyond those of kubeadm', facts)
    const archive = Buffer.concat([...writeArchive(files)])
    if (archive.length > mostArchiveBytes) throw tooLarge(archive.length)
    const sealed = await Promise.all(
      recipients.map(async (to) => ({
        node: to.node,
        ciphertext: Buffer.from(await tools.sealing.seal(archive, to, about)),
      })),
    )
    return changed({
      summary: `sealed ${plural(files.length, 'shared file')} for ${plural(recipients.length, 'node')}`,
      facts,
      sealed,
    })
  },
  // It changes nothing; if its answer is lost, no node holds what it sealed.
  { evidence: async () => ({ done: 'no', repeatable: 'yes' }) },
)

/** Those that exist, are where Quorate may write on a joiner, and are no data. */
async function readBytes({ host }: Tools, named: readonly SharedFile[]): Promise<ArchivedFile[]> {
  const folders = await readFolders(host)
  const read = await Promise.all(
    named.map(async ({ path, sha256, mode, uid, gid }) => {
      if (sha256 === '' || !isShareable(path, folders)) return undefined
      const file = await host.read(path, { followLinks: true })
      if (file === undefined || file.bytes.length > mostFileBytes) return undefined
      return { path: path.slice(1), mode: mode & 0o777, uid, gid, bytes: file.bytes }
    }),
  )
  return read.filter((file) => file !== undefined)
}

function tooLarge(bytes: number): QuorateError {
  return new QuorateError(
    'NOT_IN_TABLE',
    `the files that the static pods mount are ${bytes} bytes, more than the ${mostArchiveBytes} that Quorate copies`,
    { remedy: 'Mount less into the static pods, or copy what they mount to the joiners by hand.' },
  )
}
