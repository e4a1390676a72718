import type { ClusterFile } from '../config/cluster-file.js'
import { largestFile, parseClusterFile } from '../config/parse-cluster-file.js'
import { readClusterFile } from '../config/read-cluster-file.js'
import type { CliContext } from './context.js'

/** The path that stands for standard input. */
export const standardInput = '-'

/** Reads and parses the cluster file of `-f`, where `-` is standard input; `text` goes into the journal. */
export async function namedClusterFile(
  context: CliContext,
  path: string,
): Promise<{ readonly file: ClusterFile; readonly text: string }> {
  if (path !== standardInput) return readClusterFile(path)
  const text = await readInput(context)
  return { file: parseClusterFile(text, 'standard input'), text }
}

/** Not further than what is refused as too large. */
async function readInput({ input, terminal }: CliContext): Promise<string> {
  if (terminal.canAsk) terminal.err('Reading standard input; end it with Ctrl-D.\n')
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of input()) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > 4 * largestFile) break
  }
  return Buffer.concat(chunks).toString('utf8')
}
