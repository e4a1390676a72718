import { QuorateError } from '@quorate/shared/errors'
import type { ClusterFile } from './cluster-file.js'
import { largestFile, parseClusterFile } from './parse-cluster-file.js'
import { readFileAtMost } from './read-file-at-most.js'

/** Reads and parses a cluster file; `text` goes into the journal. */
export async function readClusterFile(path: string): Promise<{ readonly file: ClusterFile; readonly text: string }> {
  const text = await readFileAtMost(path, largestFile).catch((cause: NodeJS.ErrnoException) => {
    throw new QuorateError('CLUSTER_FILE_INVALID', `the cluster file cannot be read: ${cause.code ?? cause.message}`, {
      where: path,
      cause,
      remedy: 'Name it with -f; docs/cluster-file.md has an example.',
    })
  })
  return { file: parseClusterFile(text, path), text }
}
