import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { StatePaths } from './paths.js'
import { writeDurably } from './write-file.js'

const note = z.object({ nodes: z.array(z.string()) })

const pathOf = ({ backups }: Pick<StatePaths, 'backups'>, run: string): string =>
  join(backups, run, 'deleted-on-nodes.json')

/** Nodes whose own backups of a run were deleted; undefined where no deletion was begun, and the run may still be undone. */
export async function deletedOn(paths: StatePaths, run: string): Promise<readonly string[] | undefined> {
  const text = await readFile(pathOf(paths, run), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  try {
    return note.parse(JSON.parse(text)).nodes
  } catch {
    // It was begun; which nodes are done is asked again.
    return []
  }
}

/** Records it: before the first node with none of them. */
export async function noteDeleted(paths: StatePaths, run: string, nodes: readonly string[]): Promise<void> {
  await mkdir(join(paths.backups, run), { recursive: true, mode: 0o700 })
  await writeDurably(pathOf(paths, run), `${JSON.stringify({ nodes })}\n`, 0o600)
}

/** Logs of detached commands that were last written before a time. */
export async function logsBefore({ logs }: StatePaths, time: number): Promise<readonly string[]> {
  const names = await readdir(logs).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const found = await Promise.all(
    names
      .filter((name) => name.endsWith('.log'))
      .map(async (name) => ({ path: join(logs, name), written: (await stat(join(logs, name))).mtimeMs })),
  )
  return found.flatMap(({ path, written }) => (written < time ? [path] : [])).sort()
}

export async function removeLogs(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { force: true })
}
