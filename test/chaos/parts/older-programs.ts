import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bundles, bundlePrograms } from '../../../lab/simulated/bundles.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const git = (args: readonly string[]) =>
  execFileSync('git', args, { cwd: root, maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'ignore'] })

/** Whether this clone has that commit: a shallow one, or one without git, has not. */
export function hasCommit(commit: string): boolean {
  try {
    git(['cat-file', '-e', `${commit}^{commit}`])
    return true
  } catch {
    return false
  }
}

/** Bundles the programs of that commit, with the packages of this clone, into `folder`. */
export async function olderPrograms(commit: string, folder: string): Promise<Bundles> {
  const clone = mkdtempSync(join(tmpdir(), 'quorate-older-'))
  try {
    execFileSync('tar', ['-x'], { cwd: clone, input: git(['archive', commit]) })
    const packages = join(clone, 'node_modules')
    mkdirSync(join(packages, '@quorate'), { recursive: true })
    for (const name of readdirSync(join(root, 'node_modules')))
      if (name !== '@quorate') symlinkSync(join(root, 'node_modules', name), join(packages, name))
    for (const name of ['shared', 'agent', 'coordinator'])
      symlinkSync(join(clone, name), join(packages, '@quorate', name))
    return await bundlePrograms(folder, clone)
  } finally {
    rmSync(clone, { recursive: true, force: true })
  }
}
