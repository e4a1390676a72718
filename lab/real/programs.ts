import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { must, timed } from './shell.js'

const sources = ['agent/src', 'coordinator/src', 'shared/src', 'packaging', 'package-lock.json']

/** When anything that goes into the programs was last changed, milliseconds since 1970. */
function changedAt(path: string): number {
  const stats = statSync(path)
  // A clone gives all its files the time of the clone; a merge, those that it changed.
  const own = Math.max(stats.mtimeMs, stats.ctimeMs)
  if (!stats.isDirectory()) return own
  return Math.max(own, ...readdirSync(path).map((name) => changedAt(join(path, name))))
}

/** Packs `out/quorate` and `out/quorate-agent` of a checkout unless they are newer than all that goes into them: no node ever runs what was. */
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
