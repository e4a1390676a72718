import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { must, timed } from './shell.js'

const sources = ['agent/src', 'coordinator/src', 'shared/src', 'packaging', 'package-lock.json']

/** When any source of the programs last changed, milliseconds since 1970. */
function changedAt(path: string): number {
  const stats = statSync(path)
  // A clone sets the time of all its files, a merge that of the files it changed.
  const own = Math.max(stats.mtimeMs, stats.ctimeMs)
  if (!stats.isDirectory()) return own
  return Math.max(own, ...readdirSync(path).map((name) => changedAt(join(path, name))))
}

/** Packs `out/quorate` and `out/quorate-agent` of a checkout unless they are newer than their sources: no node ever runs an old version. */
export async function ensurePrograms(root: string): Promise<string> {
  const out = join(root, 'out')
  const built = ['quorate', 'quorate-agent'].map((name) => join(out, name))
  const newest = Math.max(...sources.map((path) => changedAt(join(root, path))))
  if (!built.every((path) => existsSync(path) && statSync(path).mtimeMs > newest))
    await timed('npm run package', () =>
      must(process.execPath, ['--import=tsx', join(root, 'packaging/package.ts')], { cwd: root }),
    )
  return out
}
