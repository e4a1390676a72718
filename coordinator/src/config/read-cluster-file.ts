import { readFile } from 'node:fs/promises'
import { QuorateError } from '@quorate/shared/errors'
import type { ClusterFile } from './cluster-file.js'
import { parseClusterFile } from './parse-cluster-file.js'

/** Reads and parses a cluster file; `text` goes into the journal. */
export async function readClusterFile(path: string): Promise<{ readonly file: ClusterFile; readonly text: string }> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new QuorateError('CLUSTER_FILE_INVALID', `the cluster file cannot be read: ${cause.code ?? cause.message}`, {
      where: path,
      cause,
      remedy: 'Name it with -f; docs/cluster-file.md has an example.',
    })
  })
  return { file: parseClusterFile(text, path), text }
}
