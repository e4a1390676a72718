import { posix } from 'node:path'
import type { LookAtPathsRequest, LookAtPathsResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { sha256Hex } from '@quorate/shared/hash'
import type { Host } from '../host/host.js'
import { readFolders } from '../host/node-folders.js'
import { readOperation } from './context/operation.js'
import { mostFileBytes } from './shared-files/limits.js'
import { isShareable } from './shared-files/shareable.js'

/** Whether something is at each path, and its kind. Only files that could be copied are hashed, nothing else is opened. */
export const lookAtPaths = readOperation<LookAtPathsRequest, LookAtPathsResponse>(async ({ paths }, { host }) => {
  const seen = await Promise.all(paths.map(async (path) => ({ path, ...(await lookAt(host, path)) })))
  return {
    kinds: Object.fromEntries(seen.flatMap(({ path, kind }) => (kind === undefined ? [] : [[path, kind]]))),
    sha256: Object.fromEntries(seen.flatMap(({ path, sha256 }) => (sha256 === undefined ? [] : [[path, sha256]]))),
  }
})

async function lookAt(host: Host, path: string): Promise<{ kind?: string; sha256?: string }> {
  const seen = await host.look(path).catch(() => undefined)
  if (seen === undefined) return (await isLink(host, path)) ? { kind: 'symbolic link to nothing' } : {}
  if (seen.kind !== 'file' || seen.bytes > mostFileBytes || !isShareable(path, await readFolders(host)))
    return { kind: seen.kind }
  const file = await host.read(path, { followLinks: true }).catch(() => undefined)
  return { kind: seen.kind, ...(file === undefined ? {} : { sha256: sha256Hex(file.bytes) }) }
}

/** Nothing can be placed there: links are neither followed for writing nor replaced. */
async function isLink(host: Host, path: string): Promise<boolean> {
  const beside = await host.list(posix.dirname(path)).catch(() => [])
  return beside.some(({ name, kind }) => name === posix.basename(path) && kind === 'symlink')
}
